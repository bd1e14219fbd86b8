//! Interpreted equals generated: outputs, accounts and every byte of every message.

mod recorder;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use recorder::Recorder;
use smpc_codegen::{File, Options, Runtime};
use smpc_grammar::Sources;
use smpc_interp::Setup;
use smpc_ir::party::{Elem, Party, validate};
use smpc_ir::share::Type;
use smpc_ir::{flat::Protocols, lower};
use smpc_runtime::Tensor;
use smpc_runtime::channel::in_memory;
use smpc_tests::case::Case;
use smpc_tests::pipeline::{self, Start};
use smpc_tests::run::Backend;

const SEED: u64 = 7;

/// A script under a backend.
struct Subject {
    name: String,
    files: Vec<File>,
    /// Sizes of inputs, then parameters, as the generated crate lists them.
    publics: Vec<i128>,
    inputs: Vec<Tensor>,
    expected: String,
}

fn subject(name: &str, text: &str, case: &Case, backend: &Backend) -> Result<Subject, String> {
    let program = pipeline::checked(text, case)?;
    let start = pipeline::start(&program, case)?;
    let bound = backend.bind()?;
    let lowered =
        lower::lower(&program, &bound, lower::Options::default()).map_err(|e| format!("{e:?}"))?;
    let valid = validate(&lowered).map_err(|e| format!("{e:?}"))?;
    let mut sources = Sources::new();
    sources.add("script.smpc", text);
    let runtime = Runtime::Path(root().join("runtime").display().to_string());
    let options = Options::new(name, runtime);
    let files = smpc_codegen::generate(valid, &sources, &options).map_err(|e| e.to_string())?;
    let tensors = tensors(&program, &start, bound.ring_bits());
    let mut publics = vec![];
    for (info, value) in lowered.sizes.iter().zip(&start.sizes) {
        if matches!(info.origin, smpc_ir::share::SizeOrigin::Input { .. }) {
            publics.push(*value);
        }
    }
    publics.extend(&start.params);
    let setup = Setup {
        sizes: start.sizes,
        params: start.params,
        inputs: tensors.iter().cloned().map(Some).collect(),
        seed: Some(SEED),
        ..Setup::default()
    };
    let ends = in_memory(lowered.parties.len());
    let runs: Vec<String> = std::thread::scope(|scope| {
        let mut threads = vec![];
        for (i, mut end) in ends.into_iter().enumerate() {
            let setup = &setup;
            threads.push(scope.spawn(move || {
                let mut channel = Recorder::new(&mut end);
                let account = smpc_interp::endpoint(valid, Party(i as u8), setup, &mut channel);
                let digest = channel.digest;
                let account = match account {
                    Ok(account) => account,
                    Err(error) => return format!("{i}: {error}\n"),
                };
                let mut outputs: BTreeMap<String, Vec<String>> = BTreeMap::new();
                for output in &account.outputs {
                    let name = match output.field {
                        Some((at, _)) => format!("{}.{at}", output.name),
                        None => output.name.clone(),
                    };
                    let text = format!("{:?} {:?}", output.value.shape(), output.value.to_i128s());
                    outputs.entry(name).or_default().push(text);
                }
                let mut text = String::new();
                let _ = writeln!(
                    text,
                    "{i}: {} rounds {} messages {} bytes {} offline {} setup {digest:016x}",
                    account.rounds,
                    account.messages,
                    account.bytes,
                    account.offline_bytes,
                    account.setup_bytes
                );
                for (name, values) in outputs {
                    let _ = writeln!(text, "{i}: {name} = {}", values.join("; "));
                }
                text
            }));
        }
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    Ok(Subject {
        name: name.to_owned(),
        files,
        publics,
        inputs: tensors,
        expected: runs.concat(),
    })
}

fn tensors(program: &smpc_ir::share::Program, start: &Start, ring: u8) -> Vec<Tensor> {
    let pairs = program.inputs.iter().zip(&start.inputs);
    let tensor = |(input, (shape, values)): (&smpc_ir::share::Input, &(Vec<usize>, Vec<i128>))| {
        let elem = match input.ty {
            Type::Int => Elem::Ring(ring),
            Type::Bits(m) => Elem::Bits(m),
            Type::Fix(_) => Elem::Fix,
        };
        Tensor::from_i128s(elem, shape, values).unwrap()
    };
    pairs.map(tensor).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .unwrap()
}

/// A folder for generated crates; kept between runs so that the runtime is compiled once.
fn workspace(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Writes only what differs, so that cargo builds only what changed.
fn write(path: &Path, text: &str) {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return;
    }
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

const HARNESS: &str = r#"
mod recorder;
use recorder::Recorder;
use smpc_runtime::endpoint::run_locally;
use smpc_runtime::prelude::*;
use std::fmt::Write;

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
"#;

/// Builds the crates of all subjects with one program that runs them, and compares.
fn compare(folder: &str, subjects: &[Subject]) {
    let folder = workspace(folder);
    let mut manifest = String::from(
        "[package]\nname = \"harness\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\nmembers = [",
    );
    let mut dependencies = format!(
        "[dependencies]\nsmpc-runtime = {{ path = {:?} }}\n",
        root().join("runtime").display().to_string()
    );
    let mut main = String::from(HARNESS);
    main.push_str("\nfn main() {\n    for name in std::env::args().skip(1) {\n        println!(\"== {name}\");\n        let (publics, inputs) = read(&format!(\"data/{name}\"));\n        let inputs = &inputs;\n        let publics = &publics;\n        match name.as_str() {\n");
    for subject in subjects {
        let name = &subject.name;
        let _ = write!(manifest, "{name:?}, ");
        let _ = writeln!(
            dependencies,
            "{name} = {{ path = {name:?}, package = {:?} }}",
            name.replace('_', "-")
        );
        for file in &subject.files {
            let text = file.text.replace(
                "# A project of its own, also inside of another one's folder.\n[workspace]\n",
                "",
            );
            write(&folder.join(name).join(&file.path), &text);
        }
        let mut data = join(&subject.publics);
        for input in &subject.inputs {
            let head = match input.elem() {
                Elem::Ring(k) => format!("ring {k}"),
                Elem::Bits(m) => format!("bits {m}"),
                Elem::Field(p) => panic!("an input is no element of F[{p}]"),
                Elem::Fix => "fix 128".to_owned(),
            };
            let shape: Vec<i128> = input.shape().iter().map(|d| *d as i128).collect();
            let _ = write!(
                data,
                "\n{head}\n{}\n{}",
                join(&shape),
                join(&input.to_i128s())
            );
        }
        write(&folder.join("data").join(name), &data);
        let _ = writeln!(
            main,
            r#"            {name:?} => {{
                let runs = run_locally(&{name}::party::NAMES, |party, channel| {{
                    let mut channel = Recorder::new(channel);
                    let run = {name}::raw::run(party, &mut channel, &{name}::raw::Public::from_list(publics), &{name}::raw::Inputs::from_list(inputs.clone()), Some(7));
                    let digest = channel.digest;
                    let mut text = String::new();
                    match run {{
                        Err(error) => writeln!(text, "{{party}}: {{error}}").unwrap(),
                        Ok((outputs, account)) => {{
                            writeln!(text, "{{party}}: {{}} rounds {{}} messages {{}} bytes {{}} offline {{}} setup {{digest:016x}}", account.rounds, account.messages, account.bytes, account.offline_bytes, account.setup_bytes).unwrap();
                            let mut all = outputs.into_list();
                            all.sort_by_key(|(name, _)| name.to_string());
                            for (name, values) in all.iter().filter(|(_, values)| !values.is_empty()) {{
                                let values: Vec<String> = values.iter().map(|v| format!("{{:?}} {{:?}}", v.shape(), v.to_i128s())).collect();
                                writeln!(text, "{{party}}: {{name}} = {{}}", values.join("; ")).unwrap();
                            }}
                        }}
                    }}
                    Ok(text)
                }});
                print!("{{}}", runs.unwrap().concat());
            }}"#
        );
    }
    main.push_str("            _ => panic!(\"no such program\"),\n        }\n    }\n}\n");
    manifest.push_str("]\nresolver = \"3\"\n\n[profile.dev]\nopt-level = 1\ndebug = false\n\n");
    manifest.push_str(&dependencies);
    write(&folder.join("Cargo.toml"), &manifest);
    write(&folder.join("src/main.rs"), &main);
    write(
        &folder.join("src/recorder.rs"),
        &include_str!("recorder/mod.rs").replace("//! ", "// "),
    );
    // The project's lock file: the same versions, and no look at the registry.
    let _ = fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock"));
    let cargo = |args: &[&str]| {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let done = Command::new(cargo)
            .args(args)
            .current_dir(&folder)
            .env("CARGO_TARGET_DIR", workspace("target"))
            .env_remove("RUSTFLAGS")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "cargo {args:?}: {text}");
        String::from_utf8_lossy(&done.stdout).into_owned()
    };
    let mut run = vec!["run", "--offline", "--quiet", "--"];
    run.extend(subjects.iter().map(|s| s.name.as_str()));
    let found = cargo(&run);
    let mut expected = String::new();
    for subject in subjects {
        let _ = write!(expected, "== {}\n{}", subject.name, subject.expected);
    }
    for (expected, found) in expected.lines().zip(found.lines()) {
        assert_eq!(expected, found);
    }
    assert_eq!(expected.lines().count(), found.lines().count());
    let mut clippy = vec!["clippy", "--offline", "--quiet"];
    for subject in subjects {
        clippy.extend(["-p", &subject.name]);
    }
    let dashed: Vec<String> = clippy.iter().map(|a| a.replace('_', "-")).collect();
    let mut clippy: Vec<&str> = dashed.iter().map(String::as_str).collect();
    clippy.extend(["--", "-D", "warnings"]);
    cargo(&clippy);
}

fn join(values: &[i128]) -> String {
    values
        .iter()
        .map(i128::to_string)
        .collect::<Vec<_>>()
        .join(" ")
}

fn example(name: &str, backend: &str) -> Subject {
    let folder = root().join("examples").join(name);
    let text = fs::read_to_string(folder.with_extension("smpc")).unwrap();
    let program = pipeline::checked(&text, &smpc_tests::folder::files(&folder)).unwrap();
    let case = smpc_tests::folder::inputs(&folder, &program);
    subject(
        &format!("{name}_{backend}"),
        &text,
        &case,
        &Backend::new(backend, &[]),
    )
    .unwrap()
}

/// A conformance program under a backend.
fn program(name: &str, backend: &str, args: &[(&str, i128)]) -> Subject {
    let programs = smpc_tests::programs();
    let (_, text) = programs.iter().find(|(known, _)| known == name).unwrap();
    let given: String = args.iter().map(|(_, v)| format!("_{}", v % 1000)).collect();
    let crate_name = format!("{name}_{backend}{given}");
    let backend = Backend::new(backend, args);
    subject(&crate_name, text, &Case::read(text), &backend).unwrap()
}

/// Under Shamir's sharing over a field.
fn over_field(name: &str, n: i128, p: i128) -> Subject {
    program(name, "shamir", &[("n", n), ("p", p)])
}

/// Checks, digests, commitments and keys are written as they are interpreted.
#[test]
fn schemes_with_active_security() {
    let subjects = [
        program("matmul_int", "rep3_malicious", &[]),
        program("integers", "spdz", &[("n", 3)]),
        program("matmul_int", "spdz2k", &[("n", 2)]),
        program("shuffle_linked", "fantastic4", &[]),
    ];
    compare("active", &subjects);
}

#[test]
fn auction_and_average() {
    let subjects = [
        example("average_salary", "additive"),
        example("vickrey", "rep3"),
        over_field("matmul_int", 3, (1 << 61) - 1),
        over_field("matmul_int", 5, i128::MAX),
        over_field("matmul_int", 4, 65_537),
    ];
    compare("two", &subjects);
}

/// More small ones: `cargo test -p smpc-codegen -- --ignored small`.
#[test]
#[ignore = "compiles many crates"]
fn small_examples() {
    let mut subjects = vec![example("keyword", "rep3"), example("keyword", "additive")];
    subjects.extend([
        example("average_salary", "rep3"),
        example("vickrey", "additive"),
    ]);
    compare("small", &subjects);
}

/// The examples of thousands of operations. Rust takes minutes for them:
/// `cargo test -p smpc-codegen -- --ignored large`.
#[test]
#[ignore = "takes minutes"]
fn large_examples() {
    let names = [
        "breast_cancer",
        "group_by",
        "effect_size",
        "bounded_while",
        "genomic",
    ];
    let subjects: Vec<Subject> = names.iter().map(|name| example(name, "rep3")).collect();
    compare("large", &subjects);
}

/// Every conformance program: `cargo test -p smpc-codegen -- --ignored programs`.
#[test]
#[ignore = "takes minutes"]
fn programs() {
    let mut subjects = vec![];
    for (name, text) in smpc_tests::programs() {
        let case = Case::read(&text);
        let subject = subject(
            &format!("program_{name}"),
            &text,
            &case,
            &Backend::new("rep3", &[]),
        );
        subjects.push(subject.unwrap_or_else(|error| panic!("{name}: {error}")));
    }
    compare("programs", &subjects);
}
