//! Messages that tell operands beside others: each by itself is covered by a coin.

use super::literature::{additive, found, leaks_to, word};
use crate::Verdict;
use smpc_ir::party::PartySet;

/// Shares of the named values go to all, who add them up.
fn opened(names: &[&str]) -> String {
    let one = |name: &&str| {
        format!(
            "for each P[i] {{ P[i] -> P: {name}[i]; }} let v{name} = sum({name}[i] for P[i]);\n"
        )
    };
    names.iter().map(one).collect()
}

#[test]
fn a_seed_told_after_its_stream_was_a_mask_leaks() {
    for (told, leaks) in [(true, true), (false, false)] {
        let (seed, result) = match told {
            true => ("P[0] -> P[1]: s;", "u + prg(s, Z[2^k]) + prg(s, Z[2^k])"),
            false => ("", "u"),
        };
        let text = additive(&format!(
            "protocol masked(x: A<Z[2^k]>) -> c: Z[2^k] @ P[1] private {{\n\
             let s <- seed @ P[0]; let u = x[0] + prg(s, Z[2^k]); P[0] -> P[1]: u;\n\
             {seed} c = {result}; }}\n"
        ));
        let row = found(&text, 2, "masked");
        assert_eq!(!leaks_to(&row).is_empty(), leaks, "{:?}", row.1.privacy);
        assert_eq!(word(&row) == "LEAKS", leaks);
        let mut all = row.1.privacy.iter();
        if leaks {
            assert_eq!(leaks_to(&row), ["{P[1]}"]);
            let leak = all.find_map(|(_, verdict)| match verdict {
                Verdict::Leaks(leak) => Some(leak),
                _ => None,
            });
            // Its own component and the seed that was told, beside the message.
            let seen = leak.unwrap().view.seen.iter();
            let seen: Vec<&str> = seen.map(|seen| seen.what.as_str()).collect();
            assert_eq!(seen, ["x0.1", "message 4", "message 3"]);
        }
    }
}

#[test]
fn the_product_of_a_triple_opened_beside_what_it_masks_leaks() {
    for (mask, leaks) in [("0 * u", true), ("r", false)] {
        let text = additive(&format!(
            "protocol product(x, y: A<Z[2^k]>) -> c: Z[2^k] @ P private {{\n\
             let u, w, r <- Z[2^k] @ T; let a = share(u); let b = share(w); let t = share(u * w + {mask});\n\
             let d = x - a; let e = y - b;\n{} c = vd + ve + vt; }}\n",
            opened(&["d", "e", "t"])
        ));
        let row = found(&text, 2, "product");
        assert_eq!(!leaks_to(&row).is_empty(), leaks, "{:?}", row.1.privacy);
        assert_eq!(word(&row) == "proved", !leaks, "{:?}", row.1.privacy);
        if leaks {
            assert_eq!(leaks_to(&row), ["{P[0]}", "{P[1]}"]);
        }
    }
}

/// Two openings under one mask, in the order that tells the difference last or first.
#[test]
fn a_mask_used_twice_is_found_at_full_width() {
    let text = additive(&format!(
        "protocol both(x, y: A<Z[2^k]>) -> c: Z[2^k] @ P private {{\n\
         let u <- Z[2^k] @ T; let a = share(u); let d = x - a; let e = y + 2 * a;\n{} c = vd + ve; }}\n",
        opened(&["d", "e"])
    ));
    let (_, report, problem) = found(&text, 2, "both");
    assert!(
        report
            .privacy
            .iter()
            .any(|(_, verdict)| verdict.is_refuted())
    );
    for coalition in problem.coalitions() {
        let leak = crate::bare::bare(&problem, coalition).unwrap();
        let inside = !coalition.intersection(PartySet::first(2)).is_empty();
        assert_eq!(leak.is_some(), inside, "{}", problem.set_name(coalition));
    }
}
