//! Approximations as functions of scripts: what they give is as near as they are certified to be.

mod common;

use common::{folder, smpc, write};

/// With few fraction bits, and values so large that powers have few: decimals beside them must not give them more.
const SCRIPT: &str = "\
approx deep(t: fix<15>) = exp(t) on -2..2 degree 5 outside clamp;
approx low(t: fix<12>) = exp(t) on -1.5..2.25 degree 5 outside clamp;
approx pieces(t: fix<10>) = exp(t) on -1.5..2.25 pieces 4 outside clamp;
approx coarse(t: fix<8>) = 1 / (1 + exp(-t)) on -8..8 within 0.05 outside saturate(0.25, 1);
approx far(t: fix<8>) = t^3 on 1000..1001 degree 3 outside clamp;
approx beyond(t: fix<12>) = exp(t) on -2..2 degree 5 outside assert;
approx large(t: fix) = exp(t) + 100000000 on 0..1 degree 5 outside clamp;

test \"few fraction bits\" {
    let x = [-1.5, -0.25, 0.5, 1.75];
    expect(deep(share (x as fix<15>)), exp(x), within: 0.01);
    expect(low(share (x as fix<12>)), exp(x), within: 0.01);
    expect(pieces(share (x as fix<10>)), exp(x), within: 0.03);
    expect(coarse(share (x as fix<8>)), 1 / (1 + exp(-x)), within: 0.06);
    expect(beyond(share (x as fix<12>)), exp(x), within: 0.01);
    expect(far(share ([1000.0, 1000.5] as fix<8>)), [1000000000.0, 1001500750.125], within: 64);
}

test \"outside\" {
    expect(low(share ([-30.0, 30.0] as fix<12>)), [0.22313, 9.48774], within: 0.01);
    expect(coarse(share ([-30.0, 30.0] as fix<8>)), [0.25, 1.0]);
}

test \"large values\" {
    expect(large(share [1.0, 0.5]), [100000002.7182818, 100000001.64872], within: 0.0001);
}
";

#[test]
fn values_with_few_fraction_bits() {
    let base = folder("approx_values");
    write(&base, "s.smpc", SCRIPT);
    let args = ["test", "s.smpc", "--scheme", "plain", "--scheme", "rep3"];
    let ran = smpc(&base, &args);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("3 ok, 0 failed"), "{}", ran.out);
}
