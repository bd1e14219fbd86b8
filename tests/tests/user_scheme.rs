//! A scheme of the user's own, beside the script: two parties, additive shares, a dealer.

use smpc_tests::case::Case;
use smpc_tests::folder::{files, inputs};
use smpc_tests::pipeline::{Answers, checked, start};
use smpc_tests::run::{Backend, run};

const TWO: &str = include_str!("../user_scheme/two.smpc");

/// An example of the project with its inputs, under the user's scheme.
fn example(name: &str) -> Answers {
    let (text, folder) = smpc_tests::example(name);
    let program = checked(&text, &files(&folder)).expect("the example checks");
    let start = start(&program, &inputs(&folder, &program)).expect("its inputs are complete");
    let bound = Backend::written(TWO).bind().expect("the scheme binds");
    run(&program, &start, &bound, 1).expect("it runs").answers
}

#[test]
fn it_is_the_one_of_the_reference() {
    let blocks = smpc_tests::reference_blocks();
    let scheme = blocks
        .iter()
        .find(|b| b.is("scheme") && b.error().is_none());
    assert_eq!(scheme.expect("a complete scheme").text, TWO);
}

#[test]
fn it_runs_the_average_salary() {
    let answers = example("average_salary");
    assert!(
        (answers["average"][0] - 4131.3).abs() < 0.001,
        "{answers:?}"
    );
}

#[test]
fn it_runs_the_auction() {
    let answers = example("vickrey");
    assert_eq!(answers["winner"], [1.0]);
    assert_eq!(answers["price"], [675.0]);
}

/// Products of bits that are all 0, so that no key is before another: no order fits, and sorting ends nevertheless.
#[test]
fn sorting_ends_whatever_comparisons_say() {
    let path = smpc_tests::root().join("stdlib/schemes/plain.smpc");
    let plain = std::fs::read_to_string(path).expect("the scheme");
    let (begin, rest) = plain.split_once("protocol mul(").expect("a product");
    let right = "z[0] = x[0] * y[0];";
    assert!(rest.contains(right));
    let wrong = format!(
        "{begin}protocol mul({}",
        rest.replacen(right, "z[0] = x[0] * y[0] + x[0] * y[0];", 1)
    );
    let bound = Backend::written(&wrong).bind().expect("the scheme binds");
    let text = "// given alice/x [3]: 9000000000000000000 -9000000000000000000 0\n\
                use std::sorting;\nparty alice;\ninput x: [int; n] from alice;\n\
                reveal sorting::sort(share x) as y;\nleaks n, y to all;\n";
    let case = Case::read(text);
    let program = checked(text, &case).expect("it checks");
    let start = start(&program, &case).expect("its inputs are complete");
    for seed in 1..=8 {
        let answers = run(&program, &start, &bound, seed)
            .expect("it runs")
            .answers;
        let mut sorted = answers["y"].clone();
        sorted.sort_by(f64::total_cmp);
        assert_eq!(sorted, [-9e18, 0.0, 9e18]);
    }
}
