//! What protocols send.

use super::*;

#[test]
fn comparison_costs() {
    let bound = backend("rep3", &[]);
    // The sign of a difference, as numbers of type `fix` are compared, and whatever two integers are; of one element, each of
    // whose vectors of bits is rounded up to bytes.
    for (want, most) in [
        (Want::Msb(RING), (5, 70)),
        (Want::LessThan(RING), (6, 207)),
        (Want::Equal(RING), (7, 60)),
    ] {
        let (rounds, bytes) = cost(&flat(&bound, want));
        assert!(
            rounds <= most.0 && bytes <= most.1,
            "{want:?}: {rounds} rounds, {bytes} bytes"
        );
    }
}

#[test]
fn astra_multiplies_with_an_offline_party() {
    let bound = backend("astra", &[]);
    let mut coins = Coins(8);
    for _ in 0..20 {
        let (x, y) = (coins.wide(), coins.wide());
        let (x, y) = (mask(x, RING), mask(y, RING));
        let z = apply(
            &bound,
            Want::Mul(RING),
            &[(RING, x), (RING, y)],
            RING,
            &mut coins,
        );
        assert_eq!(z, mask(x.wrapping_mul(y), RING));
        let parts = run(
            &flat(&bound, Want::Share(RING, Owner::Outside)),
            &[vec![x]],
            &mut coins,
        );
        assert_eq!(open(&bound, RING, &parts), [x]);
        let reveal = flat(&bound, Want::Reveal(RING, Owner::Computing));
        assert_eq!(run(&reveal, &parts, &mut coins), [[x]]);
    }
    assert_eq!(cost(&flat(&bound, Want::Mul(RING))), (1, 16));
}

#[test]
fn protocols_send_what_they_promise() {
    let text = smpc_stdlib::module("schemes/rep3").map(|m| m.text).unwrap();
    let codes = |clause: &str| -> Vec<&'static str> {
        let wanted = "ensures z == x * y\n    bilinear private";
        assert!(text.contains(wanted));
        let text = text.replacen(
            wanted,
            &format!("ensures z == x * y\n    {clause}\n    bilinear private"),
            1,
        );
        let mut sources = Sources::new();
        let mut library = Library::standard(&mut sources);
        let file = sources.add("mine.smpc", &text);
        let mut errors = library.add(file, &text);
        errors.extend(library.check_file(file));
        errors.iter().map(|e| e.code).collect()
    };
    assert_eq!(codes("cost rounds <= 1 cost bytes <= 3 * k / 8"), [""; 0]);
    assert_eq!(codes("cost rounds <= 0"), ["C01"]);
    assert_eq!(codes("cost bytes <= 2 * k / 8"), ["C01"]);
    assert_eq!(codes("cost elements <= 2"), ["C02"]);
}
