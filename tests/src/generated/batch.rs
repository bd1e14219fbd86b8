//! Generated code of many scripts as one cargo workspace, compiled and run together.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use super::Subject;
use super::harness::written;

/// A workspace. Folder and target folder are kept between runs, so that the runtime is compiled once.
pub struct Batch {
    /// Where it is written.
    pub folder: PathBuf,
    /// Where it is compiled.
    pub target: PathBuf,
    /// How generated code is optimised: 0 where it runs once, since optimising takes longer.
    pub optimised: u8,
    /// The crates with generated code.
    pub packages: Vec<Package>,
}

/// A crate of the workspace.
pub struct Package {
    /// Its folder, and how the program that runs it calls it.
    pub name: String,
    /// Paths in the crate, and texts.
    pub files: Vec<(String, String)>,
}

const MANIFEST: &str = r#"[package]
name = "harness"
version = "0.1.0"
edition = "2024"

[profile.dev]
debug = false
incremental = false

[profile.dev.package.smpc-runtime]
opt-level = 1

"#;

impl Batch {
    /// In folders of these names below that of a test's temporary files.
    pub fn new(below: &str, name: &str, optimised: u8, packages: Vec<Package>) -> Self {
        let below = Path::new(below);
        Self {
            folder: below.join(name),
            target: below.join("target"),
            optimised,
            packages,
        }
    }

    /// Compiles and runs the programs at these paths, `crate::module` or `crate`; for each whose run shows
    /// something else than the interpreter's, its name and the first line that differs.
    ///
    /// # Errors
    /// What cargo says of code that does not compile.
    ///
    /// # Panics
    /// The folder cannot be written.
    pub fn differences(
        &self,
        subjects: &[(String, Subject)],
    ) -> Result<Vec<(String, String)>, String> {
        self.write(subjects);
        let found = self.cargo(&["run", "--offline", "--quiet"])?;
        let mut wrong = vec![];
        let sections: Vec<&str> = found.split("== ").skip(1).collect();
        for (_, subject) in subjects {
            let section = sections
                .iter()
                .find_map(|s| s.strip_prefix(&subject.name)?.strip_prefix('\n'));
            let section = section.unwrap_or("nothing");
            if section != subject.expected {
                let mut found = section.lines();
                let first = (subject.expected.lines())
                    .map(|line| (line, found.next().unwrap_or("nothing")))
                    .find(|(a, b)| a != b);
                let (a, b) = first.unwrap_or(("fewer lines", section));
                wrong.push((subject.name.clone(), format!("{a}\nbut {b}")));
            }
        }
        Ok(wrong)
    }

    /// Lints the generated crates, warnings being errors.
    ///
    /// # Errors
    /// What clippy says.
    pub fn lint(&self) -> Result<(), String> {
        let mut clippy = vec!["clippy".to_owned(), "--offline".into(), "--quiet".into()];
        for package in &self.packages {
            clippy.extend(["-p".to_owned(), package.name.replace('_', "-")]);
        }
        clippy.extend(["--", "-D", "warnings"].map(str::to_owned));
        let clippy: Vec<&str> = clippy.iter().map(String::as_str).collect();
        self.cargo(&clippy).map(drop)
    }

    /// Runs a cargo command in the workspace; what it prints.
    ///
    /// # Errors
    /// What it says if it fails.
    ///
    /// # Panics
    /// There is no cargo.
    pub fn cargo(&self, args: &[&str]) -> Result<String, String> {
        let done = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(args)
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", &self.target)
            .env_remove("RUSTFLAGS")
            .output()
            .expect("cargo");
        let errors = String::from_utf8_lossy(&done.stderr);
        match done.status.success() {
            true => Ok(String::from_utf8_lossy(&done.stdout).into_owned()),
            false => Err(format!("cargo {args:?}: {errors}")),
        }
    }

    fn write(&self, subjects: &[(String, Subject)]) {
        let mut manifest = format!("{MANIFEST}[workspace]\nresolver = \"3\"\nmembers = [");
        let mut dependencies = format!("[dependencies]\n{}", runtime());
        for package in &self.packages {
            let name = &package.name;
            let _ = write!(manifest, "{name:?}, ");
            let dashed = name.replace('_', "-");
            let _ = writeln!(
                dependencies,
                "{name} = {{ path = {name:?}, package = {dashed:?} }}"
            );
            for (path, text) in &package.files {
                write(&self.folder.join(name).join(path), text);
            }
        }
        manifest.push_str("]\n\n");
        for package in &self.packages {
            let dashed = package.name.replace('_', "-");
            let _ = writeln!(
                manifest,
                "[profile.dev.package.{dashed}]\nopt-level = {}\n",
                self.optimised
            );
        }
        manifest.push_str(&dependencies);
        let mut main = String::from(
            "mod harness;\n\nmacro_rules! all {\n    ($($shows:ident $name:literal $program:path),* $(,)?) => {$({\n        use $program as program;\n        harness::$shows($name, &program::party::NAMES, &|party, channel, publics, inputs| {\n            let public = program::raw::Public::from_list(publics);\n            let inputs = program::raw::Inputs::from_list(inputs);\n            let (handed, account) = program::raw::run(party, channel, &public, &inputs, Some(harness::SEED))?;\n            let named = |(name, values): (&str, _)| (String::from(name), values);\n            Ok((handed.into_list().into_iter().map(named).collect(), account))\n        });\n    })*};\n}\n\nfn main() {\n    all!(\n",
        );
        for (path, subject) in subjects {
            let shows = match subject.ends {
                true => "endings",
                false => "section",
            };
            let _ = writeln!(main, "        {shows} {:?} ::{path},", subject.name);
            let values = written(&subject.publics, &subject.inputs);
            write(&self.folder.join("data").join(&subject.name), &values);
        }
        main.push_str("    );\n}\n");
        write(&self.folder.join("Cargo.toml"), &manifest);
        write(&self.folder.join("src/main.rs"), &main);
        // A module's own comments stand in it; a generated program uses a part of it.
        let harness = format!("#![allow(dead_code)]\n{}", include_str!("harness.rs"));
        write(&self.folder.join("src/harness.rs"), &harness);
        // The project's lock file: the same versions, and no look at the registry.
        let _ = fs::copy(
            crate::root().join("Cargo.lock"),
            self.folder.join("Cargo.lock"),
        );
    }
}

/// A crate of modules, in which every warning is an error.
pub fn modules(name: &str, texts: &[&str]) -> Package {
    let manifest = format!(
        "[package]\nname = {:?}\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[lib]\nname = {name:?}\n\n[dependencies]\n{}",
        name.replace('_', "-"),
        runtime()
    );
    Package {
        name: name.to_owned(),
        files: vec![
            ("Cargo.toml".into(), manifest),
            (
                "src/lib.rs".into(),
                format!("#![deny(warnings)]\n\n{}", texts.concat()),
            ),
        ],
    }
}

/// The folder of the runtime.
///
/// # Panics
/// It is not there.
pub fn runtime_folder() -> String {
    let folder = crate::root().join("runtime").canonicalize();
    folder.expect("the runtime").display().to_string()
}

/// Without the parts that talk to the network and the terminal.
fn runtime() -> String {
    format!(
        "smpc-runtime = {{ path = {:?}, default-features = false }}\n",
        runtime_folder()
    )
}

/// Writes only what differs, so that cargo builds only what changed.
fn write(path: &Path, text: &str) {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return;
    }
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("a file");
}
