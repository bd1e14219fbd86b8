//! Approximations as functions of scripts: what they give is as near as they are certified to be.

mod common;

use common::{folder, json, smpc, write};
use serde_json::Value;

/// With few fraction bits, and values so large that powers have few: decimals beside them must not give them more.
const SCRIPT: &str = "\
approx deep(t: fix<15>) = exp(t) on -2..2 degree 5 outside clamp;
approx low(t: fix<12>) = exp(t) on -1.5..2.25 degree 5 outside clamp;
approx pieces(t: fix<10>) = exp(t) on -1.5..2.25 pieces 4 outside clamp;
approx coarse(t: fix<8>) = 1 / (1 + exp(-t)) on -8..8 within 0.05 outside saturate(0.25, 1);
approx far(t: fix<8>) = t^3 on 1000..1001 degree 3 outside clamp;
approx beyond(t: fix<12>) = exp(t) on -2..2 degree 5 outside assert;
approx wide(t: fix) = 1 / (1 + exp(-t)) on -8..8 within 0.0015 outside saturate(0, 1);
approx short(t: fix) = 1 / t on 0.01..10 pieces 12 outside saturate(0, 0.25);
approx large(t: fix) = exp(t) + 100000000 on 0..1 degree 5 outside clamp;
approx income(t: fix) = ln(t) on 1..1000000 pieces 20 outside clamp;
approx side(t: fix) = sqrt(t) on 0..1000000 pieces 24 outside extend;

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

test \"clear arguments far outside\" {
    expect(coarse([-3000.0, 3000.0] as fix<8>), [0.25, 1.0]);
    expect(pieces([-3000.0, 3000.0] as fix<10>), [0.22313, 9.48774], within: 0.03);
    expect(wide([-1000000.0, 1000000.0]), [0.0, 1.0]);
    expect(short([1000000.0]), [0.25]);
}

test \"long pieces\" {
    let x = [1.0, 1.5, 15.9, 1000.0, 31415.5, 700000.25, 1000000.0];
    expect(income(share x), ln(x), within: 0.005);
    expect(income(x), ln(x), within: 0.005);
    expect(income(share [-60000000000000.0, 60000000000000.0]), [0.0, 13.8155106], within: 0.005);
    expect(side(share x), sqrt(x), within: 0.015);
    expect(side(x), sqrt(x), within: 0.015);
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
    assert!(ran.out.contains("10 ok, 0 failed"), "{}", ran.out);
}

/// A declaration of `q`, what it stands for, its domain and the ring.
type Case = (&'static str, fn(f64) -> f64, (f64, f64), u32, u32);

const CASES: &[Case] = &[
    (
        "fix<2>) = exp(t) on -2..2 degree 3 outside extend",
        f64::exp,
        (-2.0, 2.0),
        2,
        64,
    ),
    (
        "fix<8>) = exp(t) on -2..2 pieces 4 outside clamp",
        f64::exp,
        (-2.0, 2.0),
        8,
        64,
    ),
    (
        "fix<12>) = exp(t) on -1.5..2.25 degree 7 outside clamp",
        f64::exp,
        (-1.5, 2.25),
        12,
        64,
    ),
    (
        "fix<15>) = sin(t) on -4..5 degree 9 outside extend",
        f64::sin,
        (-4.0, 5.0),
        15,
        64,
    ),
    (
        "fix) = exp(t) + 100000000 on 0..1 degree 5 outside clamp",
        |t| t.exp() + 1e8,
        (0.0, 1.0),
        16,
        64,
    ),
    (
        "fix) = sqrt(t) on 0..4 pieces 12 outside clamp",
        f64::sqrt,
        (0.0, 4.0),
        16,
        64,
    ),
    (
        "fix) = ln(t) on 1..100 pieces 20 outside clamp",
        f64::ln,
        (1.0, 100.0),
        16,
        64,
    ),
    (
        "fix) = exp(t) on 0..25 pieces 17 outside clamp",
        f64::exp,
        (0.0, 25.0),
        16,
        64,
    ),
    (
        "fix) = t^7 on -10..10 degree 7 outside clamp",
        |t| t.powi(7),
        (-10.0, 10.0),
        16,
        64,
    ),
    (
        "fix) = cos(t) on 10000..10001 pieces 3 outside saturate(0, 0)",
        f64::cos,
        (10000.0, 10001.0),
        16,
        64,
    ),
    (
        "fix<24>) = 1 / (1 + exp(-t)) on -16..16 pieces 16 degree 6 outside saturate(0, 1)",
        |t| 1.0 / (1.0 + (-t).exp()),
        (-16.0, 16.0),
        24,
        128,
    ),
    (
        "fix<40>) = exp(t) on -1..1 degree 12 outside extend",
        f64::exp,
        (-1.0, 1.0),
        40,
        128,
    ),
];

/// The list of so many entries in a document.
fn list(of: &Value, length: usize) -> Option<&Vec<Value>> {
    match of {
        Value::Array(all) if all.len() == length => Some(all),
        Value::Array(all) => all.iter().find_map(|one| list(one, length)),
        Value::Object(all) => all.values().find_map(|one| list(one, length)),
        _ => None,
    }
}

/// No argument of the domain has a result that is farther off than the certificate says, in what is run.
#[test]
fn certificates_hold_where_they_are_run() {
    const COUNT: u32 = 20_000;
    let base = folder("approx_dense");
    for (text, exact, (low, high), f, k) in CASES {
        let unit = (-f64::from(*f)).exp2();
        let between = |i: u32| low + (high - low) * f64::from(i) / f64::from(COUNT);
        let all: Vec<f64> = (0..=COUNT)
            .map(|i| (between(i) / unit).round() * unit)
            .collect();
        let column: String = all.iter().map(|x| format!("{x:.40}\n")).collect();
        write(&base, "alice/x.csv", column);
        for scheme in ["plain", "rep3"] {
            let script = format!(
                "approx q(t: {text};\nusing {scheme}(k: {k});\nparty alice;\ninput x: [fix<{f}>; n] from alice;\n\
                 reveal q(share x) as p;\nleaks n, p to all;\n"
            );
            write(&base, "s.smpc", script);
            let told = smpc(&base, &["approx", "s.smpc", "--json"]);
            assert_eq!(told.code, 0, "{text}: {}", told.err);
            let told = json(&told);
            let choices = told["approximations"][0]["choices"].as_array();
            let chosen = choices.and_then(|all| all.iter().find(|one| one["choice"] == "chosen"));
            let bound = chosen
                .and_then(|one| one["error"].as_f64())
                .expect("a bound");
            let ran = smpc(
                &base,
                &["run", "s.smpc", "--inputs", ".", "--seed", "1", "--json"],
            );
            assert_eq!(ran.code, 0, "{text}: {}", ran.err);
            let ran = json(&ran);
            let got = list(&ran["outputs"], all.len()).expect("an output for each argument");
            let number = |value: &Value| match value {
                Value::String(text) => text.parse().ok(),
                other => other.as_f64(),
            };
            for (x, value) in all.iter().zip(got) {
                let value: f64 = number(value).expect("a number");
                let off = (value - exact(*x)).abs();
                // Results are shown in decimals.
                assert!(
                    off <= bound * 1.01,
                    "{text} under {scheme}: {off} off at {x}, above {bound}"
                );
            }
        }
    }
}
