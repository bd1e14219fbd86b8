//! The command line and what is known before a run.

use super::*;
use smpc_ir::party::Elem;

fn parse(text: &str) -> Result<Asked, String> {
    arguments(text.split_whitespace().map(str::to_owned))
}

fn run_of(text: &str) -> Box<Arguments> {
    match parse(text) {
        Ok(Asked::Run(arguments)) => arguments,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn options() {
    for text in [
        "--local --seed 7 --set n=3 --inputs d=e",
        "--local --seed=7 --set=n=3 --inputs=d=e",
    ] {
        let all = run_of(text);
        assert_eq!((all.local, all.seed), (true, Some(7)));
        assert_eq!(all.set, [("n".to_owned(), "3".to_owned())]);
        assert_eq!(all.inputs, Path::new("d=e"));
    }
    assert!(parse("--seed x").is_err());
    assert!(parse("--other").is_err());
    for text in ["--help", "--local -h"] {
        assert!(matches!(parse(text), Ok(Asked::Help)));
    }
    for text in ["--version", "--local -V"] {
        assert!(matches!(parse(text), Ok(Asked::Version)));
    }
    assert_eq!(
        description(&[], &[]).version(),
        "t.smpc under s, compiled by smpc 0\n"
    );
    // As clap takes them, which reads the command line of `smpc`.
    assert_eq!(run_of("--local --set a=1 --set b=2").set.len(), 2);
    assert_eq!(run_of("--local --inputs=").inputs, Path::new(""));
    for (wrong, told) in [
        ("--local --local", "`--local` is given twice"),
        ("--inputs nope --inputs=d", "`--inputs` is given twice"),
        ("--seed 1 --seed 1", "`--seed` is given twice"),
        ("--local=yes", "`--local` takes no value, found `yes`"),
        ("--inputs", "`--inputs` needs a value"),
        ("--other=1", "there is no option `--other`"),
    ] {
        let error = parse(wrong).unwrap_err();
        assert!(error.starts_with(told), "{error}");
    }
    assert!(parse("--local alice").is_err());
    assert!(parse("alice").is_err());
    assert!(
        parse("alice --peers p --values")
            .unwrap_err()
            .contains("simulated")
    );
}

/// What the help lists is read, and what would be ignored is refused.
#[cfg(feature = "net")]
#[test]
fn every_option_of_the_help_is_read() {
    let (_, listed) = USAGE.split_once("Options, each once").unwrap();
    let (all, connected) = listed.split_once("Options of a connected party:").unwrap();
    let options = |part: &str| {
        let lines = part.lines().map(str::trim);
        let lines = lines.filter(|line| line.starts_with('-'));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let sample = |line: &str| {
        let mut words = line.split_whitespace();
        let option = words.next().unwrap().trim_end_matches(',');
        let value = match words.next().unwrap() {
            "NAME=VALUE" => "a=1",
            "TIME" => "9s",
            "N" => "1",
            "FORMAT" => "npy",
            "LEVEL" => "off",
            word if word.chars().all(char::is_uppercase) => "x",
            _ => "",
        };
        format!("{option} {value}")
    };
    for line in options(all) {
        let given = sample(&line);
        assert!(parse(&format!("--local {given}")).is_ok(), "{given}");
    }
    assert_eq!(options(connected).len(), 10);
    for line in options(connected) {
        let given = sample(&line);
        let peers = if given.starts_with("--peers") {
            ""
        } else {
            "--peers p"
        };
        assert!(parse(&format!("alice {peers} {given}")).is_ok(), "{given}");
        let twice = parse(&format!("alice {given} {given}")).unwrap_err();
        assert!(twice.ends_with("is given twice"), "{twice}");
        let ignored = parse(&format!("--local {given}")).unwrap_err();
        assert!(
            ignored.contains(given.split(' ').next().unwrap()),
            "{ignored}"
        );
    }
    assert!(parse("--local --raw --json").is_err());
}

#[cfg(feature = "net")]
#[test]
fn options_of_a_party() {
    let text = "alice --peers p/peers.toml --timeout 90s --wait 2m --limit 2h --log off --outputs o --format npy";
    let options = run_of(text).party.unwrap();
    assert_eq!(options.name, "alice");
    assert_eq!(options.timeout.as_secs(), 90);
    assert_eq!(options.limit.as_secs(), 7200);
    assert_eq!(options.wait.as_secs(), 120);
    assert_eq!(options.format, files::Format::Npy);
    for wrong in [
        "--timeout soon",
        "--timeout 0s",
        "--limit 10ms",
        "--log loud",
    ] {
        assert!(
            parse(&format!("alice --peers p {wrong}")).is_err(),
            "{wrong}"
        );
    }
}

const INPUT: Input<'_> = Input {
    party: 0,
    file: "x",
    column: None,
    ty: Type::Int,
    text: false,
    ring_bits: 64,
    modulus: None,
    rank: 1,
    shown: "[int; n]",
    axes: &[Some(0)],
};

fn description<'a>(publics: &'a [Public<'a>], inputs: &'a [Input<'a>]) -> Description<'a> {
    Description {
        name: "t.smpc",
        language: "0",
        script: [0; 32],
        scheme: ("s", [0; 32]),
        program: [0; 32],
        parties: &["a", "b"],
        publics,
        inputs,
        outputs: &[],
    }
}

#[test]
fn sizes_come_from_whoever_has_an_input_of_them() {
    let publics = [
        Public {
            name: "n",
            origin: Origin::Axis { input: 0, axis: 0 },
        },
        Public {
            name: "k",
            origin: Origin::Integer(None),
        },
    ];
    let second = Input {
        party: 1,
        file: "y",
        ..INPUT
    };
    let inputs = [INPUT, second];
    let description = description(&publics, &inputs);
    let list = |n: usize| Tensor::from_i128s(Elem::Ring(64), &[n], &vec![0; n]).ok();
    assert_eq!(description.sizes(&[list(3), None]).unwrap()[0], Some(3));
    assert_eq!(description.sizes(&[None, list(4)]).unwrap()[0], Some(4));
    assert_eq!(description.sizes(&[None, None]).unwrap()[0], None);
    assert_eq!(
        description.sizes(&[list(3), list(4)]).unwrap_err().code(),
        "I08"
    );
    let set = |text: &str| description.params(&[("k".to_owned(), text.to_owned())]);
    assert_eq!(set("5").unwrap(), [("k".to_owned(), 5)]);
    for text in ["x", "99999999999999999999", "9223372036854775808"] {
        assert_eq!(set(text).unwrap_err().code(), "I13", "{text}");
    }
    assert!(description.params(&[]).is_err());
    assert!(
        description
            .params(&[("n".to_owned(), "1".to_owned())])
            .is_err()
    );
}

/// Truth values and bits as `smpc run` reads them.
#[test]
fn a_truth_value_is_given_as_the_script_writes_it() {
    let publics = [
        Public {
            name: "on",
            origin: Origin::Bits(1, Some(1)),
        },
        Public {
            name: "mask",
            origin: Origin::Bits(8, None),
        },
    ];
    let description = description(&publics, &[]);
    let set = |on: &str, mask: &str| {
        let given = [("on", on), ("mask", mask)].map(|(name, text)| (name.into(), text.into()));
        description.params(&given)
    };
    for (on, value) in [
        ("false", 0),
        ("true", 1),
        ("0", 0),
        ("1", 1),
        ("0x1", 1),
        ("0b0", 0),
    ] {
        let found = set(on, "0xf0").unwrap();
        assert_eq!(found, [("on".to_owned(), value), ("mask".to_owned(), 240)]);
    }
    for (on, mask) in [
        ("2", "0"),
        ("yes", "0"),
        ("true", "256"),
        ("true", "-1"),
        ("true", "true"),
    ] {
        assert_eq!(set(on, mask).unwrap_err().code(), "I13", "{on}, {mask}");
    }
    let mask = [("mask".to_owned(), "7".to_owned())];
    assert_eq!(description.params(&mask).unwrap()[0].1, 1);
    assert!(description.params(&[]).is_err());
}
