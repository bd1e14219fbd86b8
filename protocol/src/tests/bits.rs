//! Bits of values: ranges with steps, other widths, a second scheme for what protocols hand to one another.

use super::*;

/// Bits that are taken and put elsewhere, of shared and of clear vectors.
const MORE: &str = "
scheme Summands<R: Ring> {
    parties P[3];
    corrupt 1 of P semihonest;
    share x = x[1] + x[2];
    P[1] holds x[1];
    P[2] holds x[2];
}
protocol thirds(x: Rep3<Bits[k]>) -> a: Rep3<Bits[22]>, b: Rep3<Bits[1]> {
    a = x.bits[0..k, 3];
    b = x.bits[2..4, 2];
}
protocol longer(x: Rep3<Bits[k]>) -> a: Rep3<Bits[k+3]>, b: Rep3<Bits[5]> {
    a = ~(~x as Bits[k+3]);
    b = x as Bits[5];
}
protocol there(x: Rep3<Bits[k]>) -> z: Rep3<Bits[k]> {
    let y = Summands(x[1] + x[2], x[0]);
    z = back((y << 1) + x[2]);
}
protocol back(y: Summands<R>) -> z: Rep3<R> {
    z[0] <- R @ {P[2], P[0]};
    z[1] <- R @ {P[0], P[1]};
    let c = y[1] - z[1];
    let d = y[2] - z[0];
    P[1] -> P[2]: c;
    P[2] -> P[1]: d;
    z[2] = c + d;
}
";

#[test]
fn bits_by_steps_and_in_other_widths() {
    let text = smpc_stdlib::module("schemes/rep3").map(|m| m.text).unwrap();
    let text = format!("{text}{MORE}");
    let mut sources = Sources::new();
    let mut library = Library::standard(&mut sources);
    let file = sources.add("mine.smpc", &text);
    assert_eq!(library.add(file, &text), []);
    assert_eq!(library.check_file(file), []);
    let bound = library.bind("rep3", &[], None).unwrap();
    let written = bound.written();
    let mut coins = Coins(11);
    for _ in 0..20 {
        let x = mask(coins.wide(), RING);
        let elem = Elem::Bits(64);
        let parts = deal(&bound, elem, &[x], &mut coins);
        let mut of = |name: &str| -> Vec<Rows> {
            let found = written.iter().find(|w| w.title == name).unwrap();
            run(&found.flat, &parts, &mut coins)
        };
        let every_third = (0..22).map(|i| (x >> (3 * i) & 1) << i).sum::<u128>();
        let thirds = of("thirds");
        assert_eq!(open(&bound, Elem::Bits(22), &thirds[..3]), [every_third]);
        assert_eq!(open(&bound, BIT, &thirds[3..]), [x >> 2 & 1]);
        let longer = of("longer");
        assert_eq!(open(&bound, Elem::Bits(67), &longer[..3]), [x | 7 << 64]);
        assert_eq!(open(&bound, Elem::Bits(5), &longer[3..]), [x & 31]);
        let there = of("there");
        let known = parts[2][0];
        assert_eq!(open(&bound, elem, &there), [mask(x << 1, elem) ^ known]);
    }
}
