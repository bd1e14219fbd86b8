//! `smpc approx`: what it prints is what a run has.

mod common;

use common::{folder, json, smpc, write};
use serde_json::Value;
use std::path::Path;

/// What is chosen for the approximation at this place of the list.
fn chosen(told: &Value, at: usize) -> Value {
    let choices = told["approximations"][at]["choices"].as_array();
    let one = choices.and_then(|all| all.iter().find(|c| c["choice"] == "chosen"));
    one.expect("what is chosen").clone()
}

/// The values of an output of a run.
fn values(ran: &Value, name: &str) -> Vec<f64> {
    let list = ran["outputs"][name]["value"].as_array().expect("numbers");
    list.iter().filter_map(Value::as_f64).collect()
}

/// One number in each line.
fn column(base: &Path, path: &str, numbers: impl IntoIterator<Item = f64>) {
    let lines: Vec<String> = numbers.into_iter().map(|t| t.to_string()).collect();
    write(base, path, &(lines.join("\n") + "\n"));
}

#[test]
fn approx_tells_errors_costs_and_neighbours() {
    let base = folder("approx");
    write(
        &base,
        "f.smpc",
        "approx f(t: fix) = exp(t) on -1..1 within 0.001 outside clamp;\n\
         approx g(t: fix) = 1 / (1 + exp(-t)) on -8..8 pieces 6 outside saturate(0, 1);\n",
    );
    let ran = smpc(&base, &["approx", "f.smpc", "--json", "--svg", "f.svg"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let list = json(&ran)["approximations"].clone();
    for (at, name, chosen) in [(0, "f", "degree 4"), (1, "g", "pieces 6")] {
        let one = &list[at];
        assert_eq!(one["name"], name);
        let choices = one["choices"].as_array().expect("choices");
        let errors: Vec<f64> = choices.iter().filter_map(|c| c["error"].as_f64()).collect();
        assert_eq!(errors.len(), 3);
        assert!(errors[0] > errors[1] && errors[1] > errors[2], "{errors:?}");
        assert!(errors[1] <= 0.001, "{errors:?}");
        assert_eq!(choices[1]["polynomial"], chosen);
        assert!(choices[1]["rounds"].as_i64().is_some_and(|r| r > 0));
        assert!(choices[1]["bytes"].as_f64().is_some_and(|b| b > 0.0));
        assert!(choices[1]["products"].as_i64().is_some_and(|p| p > 0));
        assert!(
            choices[1]["headroom_bits"]
                .as_f64()
                .is_some_and(|b| b > 8.0)
        );
        assert_eq!(choices[1]["failure"].as_f64(), Some(0.0));
    }
    // Headroom is that of the backend's ring; nothing is truncated locally, whatever the script's mode.
    let headroom = list[0]["choices"][1]["headroom_bits"].as_f64();
    let ran = smpc(
        &base,
        &["approx", "f.smpc", "--json", "--scheme", "rep3(k: 128)"],
    );
    let wide = json(&ran)["approximations"][0]["choices"][1]["headroom_bits"].as_f64();
    let more = wide.zip(headroom).map_or(0.0, |(wide, bits)| wide - bits);
    assert!((more - 64.0).abs() < 1e-9, "{wide:?} {headroom:?}");
    let local = std::fs::read_to_string(base.join("f.smpc")).expect("the script");
    write(
        &base,
        "l.smpc",
        format!("using rep3 with trunc local;\n{local}"),
    );
    let ran = smpc(&base, &["approx", "l.smpc", "--json"]);
    let choice = json(&ran)["approximations"][0]["choices"][1].clone();
    assert_eq!(choice, list[0]["choices"][1]);
    let drawn = std::fs::read_to_string(base.join("f.svg")).expect("the chart");
    assert_eq!(drawn.matches("<polyline").count(), 4);
    // A better choice has a smaller error; of a constant there is none.
    write(
        &base,
        "order.smpc",
        "approx r(t: fix) = 1 / t on 0.5..100 pieces 12 outside clamp;\n\
         approx c(t: fix) = 3.25 on -3..3 degree 0 outside clamp;\n\
         approx b(t: fix) = exp(t) on 0..25 pieces 16 outside clamp;\n",
    );
    let ran = smpc(&base, &["approx", "order.smpc", "--json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let list = json(&ran)["approximations"].clone();
    for one in list.as_array().expect("approximations") {
        let choices = one["choices"].as_array().expect("choices");
        let of = |what: &str| {
            let one = choices.iter().find(|c| c["choice"] == what);
            one.and_then(|c| c["error"].as_f64())
        };
        let costs = |what: &str| {
            let one = choices.iter().find(|c| c["choice"] == what)?;
            Some((one["rounds"].as_i64()?, one["bytes"].as_f64()?))
        };
        if let (Some(cheaper), Some(chosen)) = (costs("cheaper"), costs("chosen")) {
            assert!(cheaper.0 <= chosen.0 && cheaper.1 <= chosen.1, "{one}");
            assert_ne!(cheaper, chosen, "{one}");
        }
        assert!(of("cheaper").is_some() || one["name"] == "c", "{one}");
        let chosen = of("chosen").expect("what is chosen");
        assert!(of("better").is_none_or(|better| better < chosen), "{one}");
        assert!(of("better").is_none() || one["name"] != "c", "{one}");
        assert!(of("better").is_some() || one["name"] != "b", "{one}");
    }
    write(&base, "none.smpc", "fn f(t: fix) -> fix { t }\n");
    let ran = smpc(&base, &["approx", "none.smpc"]);
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.err.contains("error[I15]"), "{}", ran.err);
}

/// What is certified holds for what parties compute, with large values, with other fraction bits, and in every mode of truncation.
#[test]
fn certificates_of_approximations_hold_in_a_run() {
    let base = folder("certified");
    let script = "approx big(t: fix) = exp(t) on 0..25 pieces 16 outside clamp;\n\
                  approx seventh(t: fix) = t^7 on -10..10 degree 7 outside clamp;\n\
                  approx fine(t: fix<24>) = 1 / (1 + exp(-t)) on -8..8 within 0.00002 outside clamp;\n\
                  approx steps(t: fix) = tanh(t) on -3..5 pieces 9 degree 0 outside clamp;\n\
                  party alice;\n\
                  input a: [fix; n] from alice;\n\
                  input b: [fix; n] from alice;\n\
                  input c: [fix<24>; n] from alice;\n\
                  input d: [fix; n] from alice;\n\
                  reveal big(share a) as big;\n\
                  reveal seventh(share b) as seventh;\n\
                  reveal fine(share c) as fine;\n\
                  reveal steps(share d) as steps;\n\
                  leaks n, big, seventh, fine, steps to all;\n";
    write(&base, "s.smpc", script);
    let exact = format!("using rep3 with trunc exact;\n{script}");
    write(&base, "exact.smpc", &exact);
    const COUNT: usize = 1500;
    type Exact = fn(f64) -> f64;
    let of: [(&str, &str, f64, f64, f64, Exact); 4] = [
        ("big", "a", 0.0, 25.0, 16.0, f64::exp),
        ("seventh", "b", -10.0, 10.0, 16.0, |t| t.powi(7)),
        ("fine", "c", -8.0, 8.0, 24.0, |t| 1.0 / (1.0 + (-t).exp())),
        ("steps", "d", -3.0, 5.0, 16.0, f64::tanh),
    ];
    let arguments = |low: f64, high: f64, bits: f64| -> Vec<f64> {
        let unit = 0.5f64.powf(bits);
        let at = |i: usize| low + (high - low) * i as f64 / (COUNT - 1) as f64;
        (0..COUNT).map(|i| (at(i) / unit).floor() * unit).collect()
    };
    for (_, input, low, high, bits, _) in of {
        let lines = arguments(low, high, bits);
        let lines: Vec<String> = lines.iter().map(f64::to_string).collect();
        for folder in ["s", "exact"] {
            let path = format!("{folder}/alice/{input}.csv");
            write(&base, &path, &(lines.join("\n") + "\n"));
        }
    }
    let ran = smpc(&base, &["approx", "s.smpc", "--json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let told = json(&ran)["approximations"].clone();
    for args in [
        ["s.smpc", "plain"],
        ["s.smpc", "rep3"],
        ["exact.smpc", "rep3"],
    ] {
        let ran = smpc(&base, &["run", args[0], "--scheme", args[1], "--json"]);
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        let outputs = json(&ran)["outputs"].clone();
        for (at, (name, _, low, high, bits, exact)) in of.iter().enumerate() {
            let choices = told[at]["choices"].as_array().expect("choices");
            let chosen = choices.iter().find(|c| c["choice"] == "chosen");
            let bound = chosen.and_then(|c| c["error"].as_f64()).expect("a bound");
            let got = outputs[*name]["value"].as_array().expect("numbers");
            assert_eq!(got.len(), COUNT);
            for (t, value) in arguments(*low, *high, *bits).iter().zip(got) {
                let value = value.as_f64().expect("a number");
                let off = (value - exact(*t)).abs();
                assert!(off <= bound, "{name} at {t}: off by {off}, above {bound}");
            }
        }
    }
}

/// Rounds and bytes are those of messages that were counted, under the backend that the script or the command line says.
#[test]
fn costs_are_those_of_a_run() {
    let base = folder("approx_costs");
    let script = "const wide = 128;\nusing rep3(k: wide) with trunc local;\n\
                  approx cost(t: fix) = exp(t) on -1..1 within 0.001 outside clamp;\n\
                  approx x(t: fix) = 1 / (1 + exp(-t)) on -8..8 pieces 6 outside saturate(0, 1);\n";
    // Costs are those of servers of their own, whoever computes in the script.
    let local = script.replace("trunc local;", "trunc local on alice, bob, carol;");
    assert_ne!(local, script);
    let local = format!("party alice, bob, carol;\n{local}");
    write(&base, "f.smpc", &local);
    let sized = |run: &str, scheme: &[&str], call: &str| {
        let text = format!(
            "party alice;\n{script}input own: [fix; n] from alice;\n\
             let z = share own * share own;\nlet y = {call};\nreveal y * y as r;\nleaks n, r to all;\n"
        );
        write(&base, &format!("{run}.smpc"), &text);
        column(
            &base,
            &format!("{run}/alice/own.csv"),
            (0..1000).map(|i| f64::from(i) / 1000.0),
        );
        let file = format!("{run}.smpc");
        let ran = smpc(&base, &[&["run", &file, "--json"], scheme].concat());
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        let cost = json(&ran)["cost"].clone();
        let bytes = cost["bytes"].as_object().expect("bytes by party").values();
        let bytes: i64 = bytes.filter_map(Value::as_i64).sum();
        (cost["rounds"].as_i64().expect("rounds"), bytes)
    };
    for scheme in [
        &[][..],
        &["--scheme", "additive(n: 3)"],
        &["--scheme", "rep3"],
    ] {
        let ran = smpc(&base, &[&["approx", "f.smpc", "--json"], scheme].concat());
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        let told = json(&ran);
        let without = sized("without", scheme, "z");
        for (at, name) in ["cost", "x"].iter().enumerate() {
            let with = sized("with", scheme, &format!("{name}(z)"));
            let choice = chosen(&told, at);
            assert_eq!(
                choice["rounds"].as_i64(),
                Some(with.0 - without.0),
                "{choice}"
            );
            let each = (with.1 - without.1) as f64 / 1000.0;
            assert_eq!(choice["bytes"].as_f64(), Some(each), "{choice}");
        }
    }
}

/// In a script that truncates locally, or under a scheme that does by itself, an approximation is as near, and fails never.
#[test]
fn approximations_do_not_truncate_locally() {
    let base = folder("approx_local");
    let path = common::examples().join("../stdlib/schemes/rep3.smpc");
    let text = std::fs::read_to_string(path).expect("the scheme");
    let local = text.replacen("trunc one_unit;", "trunc local;", 1);
    assert_ne!(text, local);
    let mine = local.replacen("backend rep3(", "backend mine(", 1);
    write(&base, "mine.smpc", mine);
    let script = "approx seventh(t: fix) = t^7 on -10..10 degree 7 outside clamp;\n\
                  party alice;\ninput a: [fix; n] from alice;\n\
                  reveal seventh(share a) as r;\nleaks n, r to all;\n";
    const COUNT: usize = 4000;
    let arguments: Vec<f64> = (0..COUNT)
        .map(|i| 10.0 - (i % 512) as f64 / 65536.0)
        .collect();
    for (file, using, scheme) in [
        ("l.smpc", "using rep3 with trunc local;\n", &[][..]),
        ("m.smpc", "", &["--scheme", "./mine.smpc"]),
    ] {
        write(&base, file, format!("{using}{script}"));
        let inputs = format!("{}/alice/a.csv", file.trim_end_matches(".smpc"));
        column(&base, &inputs, arguments.iter().copied());
        let told = smpc(&base, &[&["approx", file, "--json"], scheme].concat());
        let choice = chosen(&json(&told), 0);
        let bound = choice["error"].as_f64().expect("a bound");
        assert_eq!(choice["failure"].as_f64(), Some(0.0), "{choice}");
        let ran = smpc(
            &base,
            &[&["run", file, "--json", "--seed", "5"], scheme].concat(),
        );
        let ran = json(&ran);
        let mut pairs = arguments.iter().zip(values(&ran, "r"));
        assert!(pairs.all(|(t, r)| (t.powi(7) - r).abs() <= bound), "{file}");
    }
}
