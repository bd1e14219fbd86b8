//! `docs/running.md` says what happens.

mod common;

use common::{Ran, folder, smpc, write};
use std::path::Path;

/// A fenced block: the words after the fence, and its lines.
struct Block {
    info: String,
    text: String,
    line: usize,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = vec![];
    let mut open: Option<Block> = None;
    for (at, line) in page.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(info), None) => {
                open = Some(Block {
                    info: info.to_owned(),
                    text: String::new(),
                    line: at + 1,
                });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => block.text += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    blocks
}

fn setting<'b>(block: &'b Block, name: &str) -> Option<&'b str> {
    let mut words = block.info.split_whitespace();
    words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

/// Whether a line is as the page says; `...` stands for anything.
fn like(said: &str, found: &str) -> bool {
    let mut rest = found;
    let mut parts = said.split("...");
    let first = parts.next().unwrap_or("");
    let Some(after) = rest.strip_prefix(first) else {
        return false;
    };
    rest = after;
    let mut open = false;
    for part in parts {
        open = true;
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    open || rest.is_empty()
}

/// Whether lines are as the page says; a line `...` stands for any number of lines.
fn alike(said: &[&str], found: &[&str]) -> bool {
    match (said, found) {
        ([], []) => true,
        (["...", rest @ ..], _) => (0..=found.len()).any(|at| alike(rest, &found[at..])),
        ([one, said @ ..], [other, found @ ..]) => like(one, other) && alike(said, found),
        _ => false,
    }
}

fn carry_out(base: &Path, command: &str) -> Ran {
    let words: Vec<&str> = command.split_whitespace().collect();
    match words.as_slice() {
        ["smpc", args @ ..] => smpc(base, args),
        ["cat", file] => Ran {
            code: 0,
            out: std::fs::read_to_string(base.join(file)).expect("a file"),
            err: String::new(),
        },
        _ => panic!("the page has a command that the test does not know: {command}"),
    }
}

#[test]
fn the_page_is_true() {
    let page = include_str!("../../docs/running.md");
    let base = folder("running");
    let mut commands = 0;
    let mut wrong = String::new();
    for block in blocks(page) {
        if let Some(file) = setting(&block, "file") {
            write(&base, file, &block.text);
            continue;
        }
        assert!(block.info.starts_with("console"), "line {}", block.line);
        let mut lines = block.text.lines();
        let command = lines.next().and_then(|line| line.strip_prefix("$ "));
        let ran = carry_out(&base, command.expect("a block begins with its command"));
        let exit = setting(&block, "exit").unwrap_or("0");
        assert_eq!(ran.code.to_string(), exit, "{}{}", ran.out, ran.err);
        let said: Vec<&str> = lines.collect();
        let all = ran.out + &ran.err;
        let found: Vec<&str> = all.trim_end().lines().collect();
        if !alike(&said, &found) {
            wrong += &format!("line {}: the command prints\n{all}\n", block.line);
        }
        commands += 1;
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(commands, 4);
}

#[test]
fn dots_stand_for_anything() {
    assert!(like("in ... ms", "in 12 ms"));
    assert!(like("plain", "plain") && !like("plain", "plain."));
    assert!(alike(&["a", "...", "c"], &["a", "b", "b", "c"]));
    assert!(!alike(&["a", "c"], &["a", "b", "c"]));
}

/// What cannot be prepared may stand in the library: the script's line that asks for it is told first.
#[test]
fn a_loop_of_the_library_that_cannot_be_prepared_has_a_line_of_the_script() {
    let base = folder("unprepared");
    let text = "\
use std::sorting;
party alice, bob;
input x: [int; 3] from alice;
fn ranked(v: [int; 3]) -> [int; 3] {
    let (keys, rows) = sorting::by(v, v);
    rows
}
reveal ranked(share x) as t;
leaks t to all;
";
    write(&base, "s.smpc", text);
    write(&base, "s/alice/x.csv", "3\n1\n2\n");
    let names = ["alice", "bob", "P[0]", "P[1]", "T"];
    let made = [&["keygen"][..], &names, &["-o", "keys", "--port", "7000"]].concat();
    assert_eq!(smpc(&base, &made).code, 0);
    let prepare = [
        "prepare",
        "alice",
        "s.smpc",
        "--peers",
        "keys/peers.toml",
        "--scheme",
        "additive",
        "-o",
        "a.prepared",
    ];
    let ran = smpc(&base, &prepare);
    assert_eq!(ran.code, 1, "{}", ran.err);
    for told in [
        "error[I52]",
        "s.smpc:5:24",
        "in this line of the library",
        "std::math::sorting:",
        "in this call of `ranked`",
    ] {
        assert!(ran.err.contains(told), "{told}: {}", ran.err);
    }
    let (script, library) = (
        ran.err.find("s.smpc:5:24"),
        ran.err.find("std::math::sorting:"),
    );
    assert!(script < library, "{}", ran.err);
}
