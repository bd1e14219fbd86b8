//! What `cost` prints is what a run counts: rounds, messages, and the bytes of each party, for every
//! example.

use smpc_tests::EXAMPLES;
use smpc_tests::folder::{files, inputs};
use smpc_tests::pipeline::{checked, start};
use smpc_tests::run::{Backend, run};

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
