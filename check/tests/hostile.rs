//! Damaged scripts give errors, never a panic, and a large script is checked in bounded time.

use smpc_check::{NoFiles, Options, check};
use smpc_grammar::Sources;

const EXAMPLES: [&str; 8] = [
    include_str!("../../examples/average_salary.smpc"),
    include_str!("../../examples/vickrey.smpc"),
    include_str!("../../examples/breast_cancer.smpc"),
    include_str!("../../examples/effect_size.smpc"),
    include_str!("../../examples/genomic.smpc"),
    include_str!("../../examples/group_by.smpc"),
    include_str!("../../examples/keyword.smpc"),
    include_str!("../../examples/bounded_while.smpc"),
];

fn run(script: &str) {
    let mut sources = Sources::new();
    let root = sources.add("damaged", script);
    let families = [("employee".to_owned(), 3), ("bidder".to_owned(), 2)].into();
    let _ = check(
        &mut sources,
        root,
        &NoFiles,
        &Options {
            families,
            sets: vec![],
        },
    );
}

/// Pieces of the text: words, numbers, single signs.
fn pieces(text: &str) -> Vec<String> {
    let mut out: Vec<String> = vec![];
    let mut word = false;
    for c in text.chars() {
        let is_word = c.is_alphanumeric() || c == '_';
        match out.last_mut() {
            Some(last) if is_word && word => last.push(c),
            _ => out.push(c.to_string()),
        }
        word = is_word;
    }
    out
}

#[test]
fn damaged_scripts_never_panic() {
    let mut state = std::env::var("SEED")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(1u64);
    let mut next = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let rounds = std::env::var("ROUNDS")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(400);
    for _ in 0..rounds {
        let text = EXAMPLES[next(EXAMPLES.len())];
        let code: String = text
            .lines()
            .map(|l| l.split("//").next().unwrap_or(""))
            .collect::<Vec<_>>()
            .join("\n");
        let mut parts = pieces(&code);
        for _ in 0..1 + next(3) {
            let (a, b) = (next(parts.len()), next(parts.len()));
            match next(4) {
                0 => parts[a] = parts[b].clone(),
                1 => parts.swap(a, b),
                2 => {
                    parts[a] = ["0", "x", "share", "[0]", "secret", "n", "()", "1.5", "-1"][next(9)]
                        .to_owned()
                }
                _ => {
                    parts.remove(a);
                }
            }
        }
        let script = parts.concat();
        let result = std::panic::catch_unwind(|| run(&script));
        assert!(result.is_ok(), "a panic on:\n{script}");
    }
}
