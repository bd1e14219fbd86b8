//! What `cost` prints is what a run counts: rounds, messages, and the bytes of each party, for every
//! example.

use smpc_tests::EXAMPLES;
use smpc_tests::case::Case;
use smpc_tests::folder::{files, inputs};
use smpc_tests::pipeline::{checked, start};
use smpc_tests::run::{Backend, Traffic, run};

/// Runs every example; the first that counts anything else than its formulas fails.
fn formulas_are_exact(backend: &Backend) {
    let bound = backend.bind().expect("the backend binds");
    for name in EXAMPLES {
        let (text, folder) = smpc_tests::example(name);
        let program = checked(&text, &files(&folder)).expect("the example checks");
        let mut start = start(&program, &inputs(&folder, &program)).expect("its inputs");
        if name == "genomic" {
            // Ten of the hundred steps: a formula that is right for ten is right for all.
            start.set(&program, "epochs", 10);
        }
        let run = run(&program, &start, &bound, 1).expect("it runs");
        assert_eq!(run.counted, run.predicted, "{name}");
        assert!(run.counted.rounds > 0 && run.counted.messages > 0, "{name}");
    }
}

#[test]
fn under_rep3() {
    formulas_are_exact(&Backend::new("rep3", &[]));
}

#[test]
fn under_additive_of_two() {
    formulas_are_exact(&Backend::new("additive", &[("n", 2)]));
}

#[test]
fn under_additive_of_three() {
    formulas_are_exact(&Backend::new("additive", &[("n", 3)]));
}

/// What a script costs under `rep3`.
fn traffic(body: &str) -> Traffic {
    let text = format!(
        "// given alice/x [6]: 1 2 3 4 5 6\n// given bob/y [5]: 3 1 4 1 5\n\
         party alice, bob; input x: [int; n] from alice; input y: [int; m] from bob;\n\
         let (a, b) = (share x, share y);\n{body}\nreveal z as z; leaks n, m, z to all;"
    );
    let case = Case::read(&text);
    let program = checked(&text, &case).unwrap_or_else(|e| panic!("{body}: {e}"));
    let start = start(&program, &case).expect("inputs");
    let bound = Backend::new("rep3", &[]).bind().expect("rep3 binds");
    run(&program, &start, &bound, 1).expect("it runs").counted
}

#[test]
fn a_loop_costs_what_its_tensor_form_costs() {
    for (tensor, looped) in [
        (
            "let z = a * a;",
            "let mut z = a; for i in 0..n { z[i] = a[i] * a[i]; }",
        ),
        (
            "let z = [a[i] * b[j] for i in 0..n, j in 0..m];",
            "let mut z = [0; n, m]; for i in 0..n, j in 0..m { z[i, j] = a[i] * b[j]; }",
        ),
        (
            "let z = sum((a[i] == b[j]) as int for i in 0..n, j in 0..m);",
            "let mut z = 0; for i in 0..n { for j in 0..m { z += (a[i] == b[j]) as int; } }",
        ),
        (
            "let z = [sum((a[i] == v) as int for i in 0..n) for v in 0..7];",
            "let mut z = [0; 7]; for i in 0..n, v in 0..7 { z[v] += (a[i] == v) as int; }",
        ),
        (
            "let z = [sum((a[i] == v) as int for i in 0..n) for v in 0..7];",
            "let mut z = [0; 7]; for v in 0..7 { z[v] = sum([(a[i] == v) as int for i in 0..n]); }",
        ),
        (
            "let z = sum(a[i] * a[i] for i in 0..n);",
            "let mut z = 0; for i in 0..n { z += a[i] * a[i]; }",
        ),
    ] {
        assert_eq!(traffic(tensor), traffic(looped), "{looped}");
    }
}
