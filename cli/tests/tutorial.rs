//! Every block of `docs/protocols.md`, in order, in one folder.
//!
//! The words after the fence say what a block is: `smpc FILE` and `json FILE` write a file, `smpc
//! FILE more` appends to it, `smpc FILE from "TEXT"` replaces it from that text on; `sh` is commands
//! that succeed, `sh fails` commands that do not; `text` is lines of their output, `cat FILE` lines
//! of a file. Runs of spaces count as one, and a line may be the beginning of one of the output.

mod common;

use common::{folder, smpc, write};

/// Fence and contents of each block.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        match line.strip_prefix("```") {
            Some(_) if inside => inside = false,
            Some(fence) => {
                inside = true;
                found.push((fence.to_owned(), String::new()));
            }
            None if inside => {
                let text = &mut found.last_mut().expect("a fence").1;
                text.push_str(line);
                text.push('\n');
            }
            None => {}
        }
    }
    found
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Each line stands in the output, after the one before.
fn shows(output: &str, wanted: &str, block: &str) {
    let lines: Vec<String> = output.lines().map(words).collect();
    let mut at = 0;
    for line in wanted.lines().map(words).filter(|line| !line.is_empty()) {
        let found = lines[at..].iter().position(|have| have.contains(&line));
        let Some(found) = found else {
            panic!("{block}: no line `{line}` in order in\n{output}");
        };
        at += found + 1;
    }
}

#[test]
fn the_tutorial_does_what_it_says() {
    let base = folder("tutorial");
    let page = include_str!("../../docs/protocols.md");
    let (mut output, mut run) = (String::new(), 0);
    for (fence, text) in blocks(page) {
        let read = |file: &str| std::fs::read_to_string(base.join(file)).unwrap_or_default();
        let parts: Vec<&str> = fence.splitn(4, ' ').collect();
        match parts.as_slice() {
            ["smpc" | "json", file] => write(&base, file, &text),
            ["smpc", file, "more"] => write(&base, file, read(file) + &text),
            ["smpc", file, "from", start] => {
                let old = read(file);
                let at = old
                    .find(start.trim_matches('"'))
                    .expect("the text is there");
                write(&base, file, format!("{}{text}", &old[..at]));
            }
            ["sh", ..] => {
                output.clear();
                for line in text.lines() {
                    let args: Vec<&str> = line.split_whitespace().collect();
                    assert_eq!(args[0], "smpc", "{line}");
                    let ran = smpc(&base, &args[1..]);
                    let fails = parts.get(1) == Some(&"fails");
                    assert_eq!(ran.code != 0, fails, "{line}\n{}{}", ran.out, ran.err);
                    output.push_str(&ran.out);
                    output.push_str(&ran.err);
                    run += 1;
                }
            }
            ["text"] => shows(&output, &text, &fence),
            ["cat", file] => shows(&read(file), &text, &fence),
            _ => panic!("a block of no kind: {fence}"),
        }
    }
    assert!(run >= 7, "{run}");
}
