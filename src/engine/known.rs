//! The tables and views of an engine, by name.
//!
//! A view is planned when it is asked for first: most questions read few of them, and planning all would take longer than many a question.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Place;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::datasource::ViewTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionState;
use datafusion::prelude::SessionContext;

/// The schema in which unqualified names are looked for.
pub(super) struct Known {
    /// The settings and functions by which views are planned; the session holds this schema, so that it is not held in turn.
    state: Box<dyn Fn() -> Option<SessionState> + Send + Sync>,
    entries: Mutex<BTreeMap<String, Entry>>,
}

#[derive(Debug, Clone)]
enum Entry {
    Ready(Arc<dyn TableProvider>),
    /// The query of a view that nobody asked for yet.
    View(String),
}

impl Known {
    /// Knows nothing yet.
    pub(super) fn new(context: &SessionContext) -> Self {
        let state = context.state_weak_ref();
        Self {
            state: Box::new(move || Some(state.upgrade()?.read().clone())),
            entries: Mutex::default(),
        }
    }

    /// Makes the query of a view known under the view's name, which must be free.
    pub(super) fn add_view(&self, name: &str, sql: &str) -> Result<()> {
        self.add(name.to_owned(), Entry::View(sql.to_owned()))
    }

    fn add(&self, name: String, entry: Entry) -> Result<()> {
        match self.entries().entry(name) {
            Place::Vacant(place) => {
                place.insert(entry);
                Ok(())
            }
            Place::Occupied(place) => Err(DataFusionError::Execution(format!(
                "`{}` is known already",
                place.key()
            ))),
        }
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Known").finish_non_exhaustive()
    }
}

#[async_trait]
impl SchemaProvider for Known {
    fn table_names(&self) -> Vec<String> {
        self.entries().keys().cloned().collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let entry = self.entries().get(name).cloned();
        let sql = match entry {
            None => return Ok(None),
            Some(Entry::Ready(table)) => return Ok(Some(table)),
            Some(Entry::View(sql)) => sql,
        };
        let state = (self.state)()
            .ok_or_else(|| DataFusionError::Internal("the session has ended".to_owned()))?;
        let plan = state
            .create_logical_plan(&sql)
            .await
            .map_err(|source| source.context(format!("view `{name}`")))?;
        let view: Arc<dyn TableProvider> = Arc::new(ViewTable::new(plan, Some(sql)));
        self.entries()
            .insert(name.to_owned(), Entry::Ready(Arc::clone(&view)));
        Ok(Some(view))
    }

    fn register_table(
        &self,
        name: String,
        table: Arc<dyn TableProvider>,
    ) -> Result<Option<Arc<dyn TableProvider>>> {
        self.add(name, Entry::Ready(table)).map(|()| None)
    }

    fn deregister_table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        Ok(self.entries().remove(name).and_then(|entry| match entry {
            Entry::Ready(table) => Some(table),
            Entry::View(_) => None,
        }))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.entries().contains_key(name)
    }
}
