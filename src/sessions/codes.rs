//! Words that stand for themselves in a column: each has one code, which is read back as the same word.

/// Gives an enum its codes: `code` and `of_code`.
macro_rules! codes {
    ($name:ident { $($variant:ident => $code:literal),* $(,)? }) => {
        impl $name {
            const ALL: &[Self] = &[$(Self::$variant),*];

            pub(super) const fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code),*
                }
            }

            pub(super) fn of_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.code() == code)
            }
        }
    };
}

pub(super) use codes;
