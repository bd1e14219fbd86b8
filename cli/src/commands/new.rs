//! `smpc new`: a project that runs as it is.

use crate::Answer;
use crate::args::New;
use crate::problem::{Exit, Failure, Problem};
use crate::written;
use serde_json::json;

const SCRIPT: &str = "\
//! What do two shops sell together, and who sells more? Neither shows its numbers.

party alice, bob;

input a: [fix; days] from alice;      // alice/a.csv
input b: [fix; days] from bob;        // bob/b.csv

let x = sum(share a);
let y = sum(share b);

reveal x + y as total;
reveal x > y to alice as ahead;

leaks days to all, total to all, ahead to alice;
";

/// Writes `NAME/NAME.smpc` and its inputs.
///
/// # Errors
/// The folder exists or cannot be written.
pub fn new(args: &New) -> Result<Answer, Failure> {
    let usage = |message: String| {
        let path = args.name.display().to_string();
        Failure::one(Exit::Usage, Problem::file("I15", message, path))
    };
    let name = args
        .name
        .file_name()
        .and_then(|name| name.to_str())
        .filter(|name| !name.is_empty())
        .ok_or_else(|| usage("this is no name for a folder".into()))?;
    if args.name.exists() {
        return Err(usage("there is already something of this name".into()));
    }
    let files = [
        (format!("{name}.smpc"), SCRIPT),
        (format!("{name}/alice/a.csv"), "1250.50\n980.25\n1410\n"),
        (format!("{name}/bob/b.csv"), "1105\n1320.75\n990.10\n"),
    ];
    for (file, text) in &files {
        let path = args.name.join(file);
        let folder = path.parent().unwrap_or(&args.name);
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&path, text))
            .map_err(|error| usage(format!("{file} cannot be written: {error}")))?;
    }
    let script = args.name.join(format!("{name}.smpc"));
    let word = written::word(&script);
    let script = script.display();
    Ok(Answer {
        exit: 0,
        text: format!("wrote {script} and its inputs\n\n    smpc run {word}\n"),
        json: json!({ "script": script.to_string() }),
    })
}
