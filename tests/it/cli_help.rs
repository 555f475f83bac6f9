//! The whole help text: a change of words is seen in review.

use super::support::rolecall;

#[test]
fn the_help_of_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::new();
    let commands = [
        "",
        "review",
        "ingest",
        "resolve",
        "status",
        "who",
        "timeline",
        "sessions",
        "switches",
        "permissions",
        "rightsize",
        "unused",
        "denied",
        "query",
        "sql",
        "report",
        "run",
        "show",
        "schema",
        "compact",
        "prune",
    ];
    let shown = rolecall(folder.path(), &["--help"]).stdout;
    for command in commands.iter().filter(|command| !command.is_empty()) {
        assert!(shown.contains(&format!("\n  {command} ")), "{command}");
    }
    // Every line of the list of commands begins with one; `help` is clap's own.
    let listed = shown
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1);
    let listed = listed.take_while(|line| !line.is_empty());
    let listed = listed.filter(|line| !line.starts_with("   ")).count();
    assert_eq!(listed, commands.len(), "a command is not in the list above");
    let nested = ["report run", "report check", "report list"];
    for command in commands.into_iter().chain(nested) {
        let arguments: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let ran = rolecall(folder.path(), &arguments);
        assert_eq!(ran.code, 0);
        text.push_str(&format!(
            "$ rolecall {}\n{}\n",
            arguments.join(" "),
            ran.stdout
        ));
    }
    insta::assert_snapshot!("help", text);
}
