//! The capability matrix of `smpc schemes`: its formulas are what real runs count, and the page that
//! shows it is fresh.

use smpc_driver::capability::{OPERATIONS, Operation, matrix, table};
use smpc_grammar::Sources;
use smpc_interp::Setup;
use smpc_ir::party;
use smpc_ir::share::{SizeInfo, SizeOrigin, Type};
use smpc_ir::{flat::Protocols, lower};
use smpc_protocol::{Bound, Library};
use smpc_runtime::Tensor;
use smpc_tests::case::Case;
use smpc_tests::pipeline::checked;

/// Elements in the runs: not a multiple of 8, so that bits leave part of a byte empty.
const ELEMENTS: usize = 11;

/// Rounds, bytes and offline bytes that a run of a script counts.
fn counted(text: &str, bound: &Bound) -> [i128; 3] {
    let program = checked(text, &Case::default()).unwrap_or_else(|e| panic!("{text}\n{e}"));
    let options = lower::Options { probes: true };
    let lowered = lower::lower(&program, bound, options).unwrap_or_else(|e| panic!("{e:?}"));
    let valid = party::validate(&lowered).expect("valid");
    let inputs = program.inputs.iter().map(|input| {
        let elem = match input.ty {
            Type::Int => party::Elem::Ring(bound.ring_bits()),
            Type::Bits(m) => party::Elem::Bits(m),
            Type::Fix(_) => party::Elem::Fix,
        };
        let tensor = Tensor::from_i128s(elem, &[ELEMENTS], &[1; ELEMENTS]);
        Some(tensor.expect("ones"))
    });
    let size = |info: &SizeInfo| match info.origin {
        SizeOrigin::Param(_) => 1,
        _ => ELEMENTS as i128,
    };
    let setup = Setup {
        sizes: program.sizes.iter().map(size).collect(),
        params: vec![1; program.params.len()],
        inputs: inputs.collect(),
        seed: Some(5),
        ..Setup::default()
    };
    let outcome = smpc_interp::simulate(valid, setup).unwrap_or_else(|e| panic!("{text}\n{e:?}"));
    let total = |list: &[u64]| list.iter().map(|n| i128::from(*n)).sum();
    [
        i128::from(outcome.rounds),
        total(&outcome.bytes),
        total(&outcome.offline_bytes),
    ]
}

fn difference(operation: &Operation, bound: &Bound) -> [i128; 3] {
    let [with, without] = operation.scripts().map(|text| counted(&text, bound));
    std::array::from_fn(|i| with[i] - without[i])
}

#[test]
fn figures_are_what_runs_count() {
    let library = Library::standard(&mut Sources::new());
    let (mut wrong, mut right) = (Vec::new(), 0);
    for column in matrix(&library) {
        for (operation, cell) in OPERATIONS.iter().zip(&column.cells) {
            let Ok(figures) = cell else { continue };
            let bound = library
                .bind(&column.backend, &[], operation.mode())
                .expect("bound before");
            let found = difference(operation, &bound);
            match figures.at(ELEMENTS as i128) == Some(found) {
                true => right += 1,
                false => wrong.push(format!(
                    "{} under {}: counted {found:?}, {:?}",
                    operation.name,
                    column.backend,
                    figures.formulas()
                )),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(right > 100, "only {right} cells");
}

/// With `UPDATE_SCHEMES=1` in the environment the page is written instead.
#[test]
fn the_documented_matrix_is_fresh() {
    let library = Library::standard(&mut Sources::new());
    let columns = matrix(&library);
    let mut page = format!("```\n{}```\n", table(&columns, 1));
    page.push_str(
        "\nThe same as formulas for n elements: rounds; bytes; bytes before the inputs.\n",
    );
    let mut lacking = String::new();
    // The reason, without what would supply the operation.
    let reason = |text: &str| {
        let end = text.find(['(', ';', ':']).unwrap_or(text.len());
        text[..end].trim_end().to_owned()
    };
    for column in &columns {
        let mut reasons: Vec<(String, Vec<String>)> = Vec::new();
        page.push_str(&format!(
            "\n### `{}`\n\n| operation | rounds | bytes | before the inputs |\n|---|---|---|---|\n",
            column.backend
        ));
        for (operation, cell) in OPERATIONS.iter().zip(&column.cells) {
            match cell {
                Ok(figures) => {
                    let [rounds, bytes, offline] = figures.formulas();
                    page.push_str(&format!(
                        "| {} | {rounds} | {bytes} | {offline} |\n",
                        operation.name
                    ));
                }
                Err(why) => {
                    let name = operation.name.to_owned();
                    match reasons.iter_mut().find(|(known, _)| *known == reason(why)) {
                        Some((_, names)) => names.push(name),
                        None => reasons.push((reason(why), vec![name])),
                    }
                }
            }
        }
        for (reason, names) in reasons {
            lacking.push_str(&format!(
                "- `{}`: {}: {reason}\n",
                column.backend,
                names.join(", ")
            ));
        }
    }
    page.push_str("\n## What is lacking\n\n");
    page.push_str(&lacking);
    let path = smpc_tests::root().join("docs/schemes.md");
    let text = std::fs::read_to_string(&path).expect("the page");
    let begin = "<!-- matrix -->\n";
    let start = text.find(begin).expect("the mark") + begin.len();
    if std::env::var_os("UPDATE_SCHEMES").is_some() {
        std::fs::write(&path, format!("{}{page}", &text[..start])).expect("written");
        return;
    }
    assert_eq!(
        &text[start..],
        page,
        "docs/schemes.md is stale: run this test with UPDATE_SCHEMES=1"
    );
}
