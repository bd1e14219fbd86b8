//! Every conformance program, evaluated over exact numbers without any cryptography: the library
//! and the checker alone.

use smpc_tests::case::Case;
use smpc_tests::pipeline::{checked, differences, shadow, start};

#[test]
fn the_programs_mean_what_they_expect() {
    let mut failed = Vec::new();
    for (name, text) in smpc_tests::programs() {
        // What a party draws, nobody else knows; of orders that differ the shadow knows nothing.
        if text.contains("<-") || name == "orders" {
            continue;
        }
        let case = Case::read(&text);
        let answers = checked(&text, &case).and_then(|program| {
            let start = start(&program, &case)?;
            shadow(&program, &start)
        });
        match answers {
            // A shuffle leaves rows where they are in the shadow, and no program tells their order.
            Ok(answers) => failed.extend(
                differences(&case.expected, &answers)
                    .iter()
                    .map(|wrong| format!("{name}: {wrong}")),
            ),
            Err(error) => failed.push(format!("{name}: {error}")),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
