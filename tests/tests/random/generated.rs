//! Many generated modules in a few crates, compiled and run together.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use smpc_ir::party::Elem;

use crate::transcript::{SEED, Subject};

/// Crates of a batch: what cargo compiles side by side.
const CRATES: usize = 4;

fn root() -> PathBuf {
    smpc_tests::root().canonicalize().unwrap()
}

/// A folder for generated crates; kept between runs so that the runtime is compiled once.
fn workspace(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Optimising takes longer than running unoptimised code once. The runtime is compiled once.
const MANIFEST: &str = r#"[package]
name = "harness"
version = "0.1.0"
edition = "2024"

[workspace]
resolver = "3"
members = ["part*"]

[profile.dev]
debug = false
incremental = false

[profile.dev.package.smpc-runtime]
opt-level = 1
"#;

const HARNESS: &str = r#"
use std::fmt::Write;
use smpc_runtime::endpoint::run_locally;
use smpc_runtime::prelude::*;

#[path = "recorder.rs"]
mod recorder;
use recorder::Recorder;

fn read(path: &str) -> (Vec<i128>, Vec<Option<Tensor>>) {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let list = |line: &str| -> Vec<i128> { line.split_whitespace().map(|w| w.parse().unwrap()).collect() };
    let publics = list(lines.next().unwrap());
    let mut inputs = vec![];
    while let Some(head) = lines.next() {
        let (kind, bits) = head.split_once(' ').unwrap();
        let bits: u8 = bits.parse().unwrap();
        let elem = match kind { "ring" => Ring(bits), "bits" => Bits(bits), _ => Fix };
        let shape: Vec<usize> = list(lines.next().unwrap()).iter().map(|d| *d as usize).collect();
        let values = list(lines.next().unwrap());
        inputs.push(Some(Tensor::from_i128s(elem, &shape, &values).unwrap()));
    }
    (publics, inputs)
}

macro_rules! all {
    ($($krate:ident :: $name:ident),*) => {$({
        use $krate::$name as program;
        let (publics, inputs) = read(concat!("data/", stringify!($name)));
        let (publics, inputs) = (&publics, &inputs);
        let runs = run_locally(&program::party::NAMES, |party, channel| {
            let mut channel = Recorder::new(channel);
            let public = program::raw::Public::from_list(publics);
            let run = program::raw::run(party, &mut channel, &public, &program::raw::Inputs::from_list(inputs.clone()), Some(SEED));
            let digest = channel.digest;
            let mut text = String::new();
            match run {
                Err(error) => writeln!(text, "{party}: {error}").unwrap(),
                Ok((outputs, account)) => {
                    writeln!(text, "{party}: {} rounds {} messages {} bytes {} offline {} setup {digest:016x}", account.rounds, account.messages, account.bytes, account.offline_bytes, account.setup_bytes).unwrap();
                    let mut all = outputs.into_list();
                    all.sort_by_key(|(name, _)| name.to_string());
                    for (name, values) in all.iter().filter(|(_, values)| !values.is_empty()) {
                        let values: Vec<String> = values.iter().map(|v| format!("{:?} {:?}", v.shape(), v.to_i128s())).collect();
                        writeln!(text, "{party}: {name} = {}", values.join("; ")).unwrap();
                    }
                }
            }
            Ok(text)
        });
        println!("== {}", stringify!($name));
        match runs {
            Ok(texts) => print!("{}", texts.concat()),
            Err(error) => println!("{error}"),
        }
    })*};
}
"#;

/// Compiles the modules and runs them; for each whose transcript differs, its name and the first line
/// that does.
pub fn differences(folder: &str, subjects: &[Subject]) -> Vec<(String, String)> {
    let name = folder;
    let folder = workspace(name);
    let runtime = root().join("runtime").display().to_string();
    // Without the parts that talk to the network and the terminal.
    let runtime = format!("smpc-runtime = {{ path = {runtime:?}, default-features = false }}\n");
    let mut manifest = format!("{MANIFEST}\n[dependencies]\n{runtime}");
    let mut calls = vec![];
    for part in 0..CRATES {
        let mut code = String::new();
        for subject in subjects.iter().skip(part).step_by(CRATES) {
            code.push_str(&subject.code);
            calls.push(format!("part{part}::{}", subject.name));
        }
        let _ = writeln!(manifest, "part{part} = {{ path = \"part{part}\" }}");
        let own = format!(
            "[package]\nname = \"part{part}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\n{runtime}"
        );
        write(&folder.join(format!("part{part}/Cargo.toml")), &own);
        write(&folder.join(format!("part{part}/src/lib.rs")), &code);
    }
    for subject in subjects {
        write(&folder.join("data").join(&subject.name), &data(subject));
    }
    let main = format!(
        "{HARNESS}\nconst SEED: u64 = {SEED};\n\nfn main() {{\n    all!({});\n}}\n",
        calls.join(", ")
    );
    write(&folder.join("Cargo.toml"), &manifest);
    write(&folder.join("src/main.rs"), &main);
    let recorder = include_str!("../../../codegen/tests/recorder/mod.rs").replace("//! ", "// ");
    write(&folder.join("src/recorder.rs"), &recorder);
    // The project's lock file: the same versions, and no look at the registry.
    let _ = fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock"));
    let done = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["run", "--offline", "--quiet"])
        .current_dir(&folder)
        .env("CARGO_TARGET_DIR", workspace(&format!("{name}-target")))
        .env("RUSTFLAGS", "-Awarnings")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&done.stderr);
    let found = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "generated code: {errors}");
    let mut wrong = vec![];
    let sections: Vec<&str> = found.split("== ").skip(1).collect();
    for subject in subjects {
        let section = sections
            .iter()
            .find_map(|s| s.strip_prefix(&subject.name)?.strip_prefix('\n'));
        let section = section.unwrap_or("nothing");
        if section != subject.expected {
            let lines = subject.expected.lines().zip(section.lines());
            let first = lines
                .filter(|(a, b)| a != b)
                .map(|(a, b)| format!("{a}\nbut {b}"));
            let first = first.take(1).collect();
            wrong.push((subject.name.clone(), first));
        }
    }
    wrong
}

fn data(subject: &Subject) -> String {
    let join = |values: &[i128]| {
        let words: Vec<String> = values.iter().map(i128::to_string).collect();
        words.join(" ")
    };
    let mut data = join(&subject.publics);
    for input in &subject.inputs {
        let head = match input.elem() {
            Elem::Ring(k) => format!("ring {k}"),
            Elem::Bits(m) => format!("bits {m}"),
            Elem::Field(p) => panic!("an input is no element of F[{p}]"),
            Elem::Fix => "fix 128".to_owned(),
        };
        let shape: Vec<i128> = input.shape().iter().map(|d| *d as i128).collect();
        let values = join(&input.to_i128s());
        let _ = write!(data, "\n{head}\n{}\n{values}", join(&shape));
    }
    data
}
