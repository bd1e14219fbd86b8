//! Interpreted equals generated: outputs, accounts and every byte of every message.

use std::fs;

use smpc_codegen::{Options, Runtime};
use smpc_grammar::Sources;
use smpc_tests::case::Case;
use smpc_tests::generated::batch::{Batch, Package, runtime_folder};
use smpc_tests::generated::{self, Subject};
use smpc_tests::pipeline;
use smpc_tests::run::Backend;

/// A script under a backend, and its crate.
fn subject(
    name: &str,
    text: &str,
    case: &Case,
    backend: &Backend,
) -> Result<(Subject, Package), String> {
    let bound = backend.bind()?;
    generated::subject(
        name,
        text,
        (case, &bound),
        |_| {},
        |valid| {
            let mut sources = Sources::new();
            sources.add("script.smpc", text);
            let options = Options::new(name, Runtime::Path(runtime_folder()));
            let files =
                smpc_codegen::generate(valid, &sources, &options).map_err(|e| e.to_string())?;
            // Members of one workspace.
            let own = "# A project of its own, also inside of another one's folder.\n[workspace]\n";
            let files = files.into_iter().map(|f| (f.path, f.text.replace(own, "")));
            Ok(Package {
                name: name.to_owned(),
                files: files.collect(),
            })
        },
    )
}

/// Builds the crates of all subjects with one program that runs them, compares, and lints.
fn compare(folder: &str, subjects: Vec<(Subject, Package)>) {
    compared(folder, subjects);
}

/// As [`compare`]; the workspace of the crates.
fn compared(folder: &str, subjects: Vec<(Subject, Package)>) -> Batch {
    let (subjects, packages): (Vec<_>, Vec<_>) = subjects.into_iter().unzip();
    let subjects: Vec<_> = subjects.into_iter().map(|s| (s.name.clone(), s)).collect();
    let batch = Batch::new(env!("CARGO_TARGET_TMPDIR"), folder, 1, packages);
    let wrong = batch.differences(&subjects).unwrap();
    let wrong: Vec<String> = wrong
        .iter()
        .map(|(n, lines)| format!("{n}: {lines}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    batch.lint().unwrap();
    batch
}

fn example(name: &str, backend: &str) -> (Subject, Package) {
    let folder = smpc_tests::root().join("examples").join(name);
    let text = fs::read_to_string(folder.with_extension("smpc")).unwrap();
    let program = pipeline::checked(&text, &smpc_tests::folder::files(&folder)).unwrap();
    let case = smpc_tests::folder::inputs(&folder, &program);
    let crate_name = format!("{name}_{backend}");
    subject(&crate_name, &text, &case, &Backend::new(backend, &[])).unwrap()
}

/// A conformance program under a backend.
fn program(name: &str, backend: &str, args: &[(&str, i128)]) -> (Subject, Package) {
    let programs = smpc_tests::programs();
    let (_, text) = programs.iter().find(|(known, _)| known == name).unwrap();
    let given: String = args.iter().map(|(_, v)| format!("_{}", v % 1000)).collect();
    let crate_name = format!("{name}_{backend}{given}");
    let backend = Backend::new(backend, args);
    subject(&crate_name, text, &Case::read(text), &backend).unwrap()
}

/// Under Shamir's sharing over a field.
fn over_field(name: &str, n: i128, p: i128) -> (Subject, Package) {
    program(name, "shamir", &[("n", n), ("p", p)])
}

/// Checks, digests, commitments and keys are written as they are interpreted.
#[test]
fn schemes_with_active_security() {
    let subjects = vec![
        program("matmul_int", "rep3_malicious", &[]),
        program("while_revealed", "rep3_malicious_ring", &[]),
        program("shuffle_linked", "spdz", &[("n", 3)]),
        program("matmul_int", "spdz2k", &[("n", 2)]),
        program("shuffle_linked", "fantastic4", &[]),
    ];
    compare("active", subjects);
}

/// Numbers by their bits; a helper who prepares material.
#[test]
fn circuits_and_a_helper() {
    let subjects = vec![
        program("matmul_int", "gmw", &[]),
        program("conditional_reveal", "gmw", &[("n", 3)]),
        program("matmul", "securenn", &[]),
        program("compare", "aby", &[]),
        program("fix_arithmetic", "astra", &[]),
    ];
    compare("circuits", subjects);
}

/// What is clear has integers of 64 bits beside shares of fewer, in loops and branches, too.
#[test]
fn clear_values_beside_small_rings() {
    let subjects = vec![
        program("clear", "additive", &[("k", 32)]),
        program("clear", "rep3_malicious", &[]),
    ];
    compare("clear", subjects);
}

/// Of an `if secret` most parties compute less than one; a difference of two shares that are the same is no operation.
/// The parties' names are those of other things. The dealer does the same in both arms of an `if`.
#[test]
fn what_only_some_compute() {
    let text = "\
// given lib/x: 9
// given u64/y: 2
party lib, lib_, u64;
input x: int from lib;
input y: int from u64;
let a = share x;
let b = if secret a > 3 { a - 7 } else { a };
let mut t = a;
while secret t > 3 max 3 { t = t - 4; }
reveal b * share y to u64 as b;
reveal t to lib_ as t;
leaks b to u64, t to lib_;";
    let mut subjects = vec![];
    for backend in ["rep3", "additive"] {
        let name = format!("some_{backend}");
        let backend = Backend::new(backend, &[]);
        subjects.push(subject(&name, text, &Case::read(text), &backend).unwrap());
    }
    let text = "\
// given alice/x [3]: 3 4 5
// given alice/t.key [2]: 7 8
// given alice/t.cost [2]: 1.5 2.5
party alice, bob;
struct Row { key: int, cost: fix }
param on: bool = false;
input x: [int; 3] from alice;
input t: [Row; 2] from alice;
let s = share x;
let mut y = s[0];
if on { y = s[0] * s[1]; } else { y = s[1] * s[2]; }
reveal y to bob as y;
reveal share t to bob as t;
leaks y to bob, t to bob;";
    let case = Case::read(text);
    subjects.push(subject("same_arms", text, &case, &Backend::new("additive", &[])).unwrap());
    compare("some", subjects);
}

/// A script's comments, in any Markdown, are documentation that clippy does not object to and that holds no tests.
#[test]
fn comments_and_parameters() {
    let text = "\
//! Mean of things, see [x] and <T>.
//!
//! - one item
//! that goes on
//!   - nested
//!       further in
//! 10. ten
//! goes on
//!\ta tab
//!
//!     party a; indented
//!
//! ```
//! f(2) == 4
// given a/x [2]: 3 4
party a;
////// no documentation
/// > quoted
/// goes on
///
///     indented code
/// ```rust
/// panic!()
/// ```
///! no head
input x: [int; n] from a;
/// - item
/// goes on
param k: int = 3;
reveal sum(share x) * k to a as y; // */ /* trailing
leaks n to all; leaks y to a;";
    let case = Case::read(text);
    let comments = subject("comments", text, &case, &Backend::new("rep3", &[])).unwrap();
    let parameters = program("parameters", "rep3", &[]);
    let batch = compared("comments", vec![comments, parameters]);
    let tests = batch
        .cargo(&["test", "--offline", "--doc", "-p", "comments"])
        .unwrap();
    assert!(tests.contains("running 0 tests"), "{tests}");
}

#[test]
fn auction_and_average() {
    let subjects = vec![
        example("average_salary", "additive"),
        example("vickrey", "rep3"),
        program("integers", "rep3", &[]),
        program("asserted", "rep3", &[]),
        program("triangles", "rep3", &[]),
        program("draws", "rep3", &[]),
        over_field("matmul_int", 3, (1 << 61) - 1),
        over_field("matmul_int", 5, i128::MAX),
        over_field("matmul_int", 4, 65_537),
    ];
    compare("two", subjects);
}

/// Small examples, each under a scheme.
const SMALL: [(&str, &str); 9] = [
    ("keyword", "rep3"),
    ("keyword", "additive"),
    ("average_salary", "rep3"),
    ("vickrey", "additive"),
    ("digits", "rep3"),
    ("iris_clusters", "rep3"),
    ("quicksort", "rep3"),
    ("radix_sort", "additive"),
    ("recsys", "rep3"),
];

/// Examples of thousands of operations.
const LARGE: [(&str, &str); 5] = [
    ("breast_cancer", "rep3"),
    ("group_by", "rep3"),
    ("effect_size", "rep3"),
    ("bounded_while", "rep3"),
    ("genomic", "rep3"),
];

/// Learning and statistics.
const LEARNING: [(&str, &str); 4] = [
    ("attention", "rep3"),
    ("digits_conv", "rep3"),
    ("survival", "rep3"),
    ("train_digits", "rep3"),
];

fn examples(list: &[(&str, &str)]) -> Vec<(Subject, Package)> {
    list.iter()
        .map(|(name, scheme)| example(name, scheme))
        .collect()
}

/// An example that is added is compared, too.
#[test]
fn every_example_is_in_a_list() {
    let listed = [&SMALL[..], &LARGE, &LEARNING].concat();
    let mut listed: Vec<&str> = listed.iter().map(|(name, _)| *name).collect();
    listed.sort_unstable();
    listed.dedup();
    let folder = fs::read_dir(smpc_tests::root().join("examples")).unwrap();
    let files = folder.map(|entry| entry.unwrap().path());
    let scripts = files.filter(|path| path.extension().is_some_and(|ending| ending == "smpc"));
    let mut there: Vec<String> = scripts
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    there.sort_unstable();
    assert_eq!(listed, there);
}

/// More small ones: `cargo test -p smpc-codegen -- --ignored small`.
#[test]
#[ignore = "compiles many crates"]
fn small_examples() {
    compare("small", examples(&SMALL));
}

/// Rust takes minutes for these: `cargo test -p smpc-codegen -- --ignored large`.
#[test]
#[ignore = "takes minutes"]
fn large_examples() {
    compare("large", examples(&LARGE));
}

/// `cargo test -p smpc-codegen -- --ignored learning`.
#[test]
#[ignore = "takes minutes"]
fn learning_examples() {
    compare("learning", examples(&LEARNING));
}

/// Every conformance program: `cargo test -p smpc-codegen -- --ignored programs`.
#[test]
#[ignore = "takes minutes"]
fn programs() {
    let mut subjects = vec![];
    for (name, text) in smpc_tests::programs() {
        let case = Case::read(&text);
        let crate_name = format!("program_{name}");
        let subject = subject(&crate_name, &text, &case, &Backend::new("rep3", &[]));
        subjects.push(subject.unwrap_or_else(|error| panic!("{name}: {error}")));
    }
    compare("programs", subjects);
}
