//! Parties as processes: the `smpc` command, keys for tests, and processes that end with the test.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::root;

/// Far more than any machine needs; a test that gets there has found a hang.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at something awaited.
const LOOK: Duration = Duration::from_millis(10);

/// Waits until something is there.
///
/// # Panics
/// It is not there in time.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(LOOK);
    }
}

/// The command, built once per test program, with optimisation if the tests have it.
///
/// # Panics
/// It cannot be built.
pub fn smpc() -> PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let profile = if cfg!(debug_assertions) {
            "test"
        } else {
            "release"
        };
        let built = Command::new(env!("CARGO"))
            .args([
                "build",
                "--quiet",
                "--profile",
                profile,
                "-p",
                "smpc-cli",
                "--bin",
                "smpc",
            ])
            .args(["--message-format", "json"])
            .current_dir(root())
            .stderr(Stdio::inherit())
            .output()
            .expect("cargo runs");
        assert!(built.status.success(), "the command is built");
        let text = String::from_utf8(built.stdout).expect("cargo writes text");
        let messages = text
            .lines()
            .filter_map(|l| serde_json::from_str::<Value>(l).ok());
        let binary = messages
            .filter_map(|message| Some(PathBuf::from(message["executable"].as_str()?)))
            .next_back();
        binary.expect("cargo tells where the command is")
    };
    PATH.get_or_init(build).clone()
}

/// A folder of the test's own, removed at the end unless the test failed.
pub struct Folder(PathBuf);

impl Folder {
    /// An empty folder.
    ///
    /// # Panics
    /// It cannot be made.
    pub fn new(name: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("smpc-{name}-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file in it, with the folders it is in.
    ///
    /// # Panics
    /// It cannot be written.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("a file");
        path
    }

    /// Every file below a folder in it.
    pub fn files(&self, name: &str) -> Vec<PathBuf> {
        let mut found = vec![];
        let mut open = vec![self.path(name)];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                match entry.path() {
                    path if path.is_dir() => open.push(path),
                    path => found.push(path),
                }
            }
        }
        found
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// Ports that nobody listens at, below those that the system gives out by itself.
///
/// # Panics
/// There are none.
pub fn ports(count: usize) -> Vec<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test programs that run at the same time start at different places.
    let first = 10_000 + (std::process::id() % 900) as u16 * 20;
    let mut found = vec![];
    for _ in 0..20_000 {
        let port = 10_000 + (first - 10_000 + NEXT.fetch_add(1, Ordering::Relaxed)) % 20_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            found.push(port);
        }
        if found.len() == count {
            return found;
        }
    }
    panic!("no free ports");
}

/// Runs the command to its end.
///
/// # Panics
/// It cannot be started.
pub fn run(arguments: &[&str]) -> Ended {
    start("smpc", Command::new(smpc()).args(arguments)).wait()
}

/// Builds the program that `smpc build` writes for a script, with these options; gives its path. All
/// such programs share a folder of builds.
///
/// # Panics
/// It cannot be built.
pub fn generated(folder: &Folder, script: &Path, options: &[&str]) -> PathBuf {
    let name = script.file_stem().expect("a script has a name");
    let name = name.to_str().expect("a plain name");
    let target = folder.path(&format!("generated-{name}"));
    let (path, written) = (script.display().to_string(), target.display().to_string());
    let runtime = root().join("runtime").display().to_string();
    let mut arguments = vec!["build", &path, "-o", &written, "--runtime", &runtime];
    arguments.extend(options);
    let done = run(&arguments);
    assert!(done.status.success(), "{}", done.stderr);
    let builds = smpc().with_file_name("generated");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--offline", "--manifest-path"])
        .arg(target.join("Cargo.toml"))
        .env("CARGO_TARGET_DIR", &builds)
        .status();
    assert!(built.expect("cargo runs").success(), "{name} is built");
    // Packages are named with hyphens, and so are their programs.
    let program = builds.join("debug").join(name.replace('_', "-"));
    // Another test may build another program of this name.
    let own = folder.path(&format!("{name}-program"));
    fs::copy(program, &own).expect("the program");
    own
}

/// Keys, certificates and a file of peers on this machine, in the folder `keys`. Gives the ports.
///
/// # Panics
/// They cannot be made.
pub fn keys(folder: &Folder, parties: &[&str]) -> Vec<u16> {
    let ports = ports(parties.len());
    let named: Vec<String> = parties
        .iter()
        .zip(&ports)
        .map(|(name, port)| format!("{name}=127.0.0.1:{port}"))
        .collect();
    let keys = folder.path("keys").display().to_string();
    let mut arguments = vec!["keygen", "-o", &keys];
    arguments.extend(named.iter().map(String::as_str));
    let made = run(&arguments);
    assert!(made.status.success(), "{}", made.stderr);
    ports
}

/// A process that is killed with the test.
pub struct Running {
    /// The party's name.
    pub name: String,
    child: Child,
    output: [Output; 2],
}

/// What a process has written to one stream so far.
#[derive(Default)]
struct Written {
    bytes: Vec<u8>,
    ended: bool,
}

type Output = Arc<Mutex<Written>>;

fn written(output: &Output) -> MutexGuard<'_, Written> {
    output.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read(stream: Option<impl Read + Send + 'static>) -> Output {
    let output = Output::default();
    let own = output.clone();
    std::thread::spawn(move || {
        let mut piece = [0; 4096];
        if let Some(mut stream) = stream {
            while let Ok(count @ 1..) = stream.read(&mut piece) {
                written(&own).bytes.extend(&piece[..count]);
            }
        }
        written(&own).ended = true;
    });
    output
}

/// A process that has ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The party's name.
    pub name: String,
    /// How.
    pub status: ExitStatus,
    /// What it wrote.
    pub stdout: String,
    /// What it wrote to the error stream.
    pub stderr: String,
}

impl Ended {
    /// Its answer as JSON.
    ///
    /// # Panics
    /// It failed, or wrote something else.
    pub fn json(&self) -> Value {
        assert!(self.status.success(), "{}: {}", self.name, self.stderr);
        serde_json::from_str(&self.stdout).expect("an answer in JSON")
    }
}

/// Starts a process; what it writes is read as it comes.
///
/// # Panics
/// It cannot be started.
pub fn start(name: &str, command: &mut Command) -> Running {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .env("NO_COLOR", "1")
        .spawn()
        .expect("the process starts");
    let output = [read(child.stdout.take()), read(child.stderr.take())];
    Running {
        name: name.to_owned(),
        child,
        output,
    }
}

impl Running {
    /// Waits for its end.
    ///
    /// # Panics
    /// It hangs.
    pub fn wait(mut self) -> Ended {
        let name = self.name.clone();
        let status = until(&format!("the end of {name}"), || {
            self.child.try_wait().expect("a process of ours")
        });
        let [stdout, stderr] = self.output.each_ref().map(|output| {
            until(&format!("the last words of {name}"), || {
                written(output).ended.then_some(())
            });
            String::from_utf8_lossy(&written(output).bytes).into_owned()
        });
        Ended {
            name,
            status,
            stdout,
            stderr,
        }
    }

    /// Waits until its log says so.
    ///
    /// # Panics
    /// It never does.
    pub fn says(&self, text: &str) {
        until(&format!("`{text}` in the log of {}", self.name), || {
            let log = written(&self.output[1]);
            let log = String::from_utf8_lossy(&log.bytes);
            log.contains(text).then_some(())
        });
    }

    /// Sends it a signal: `KILL`, `STOP`, `INT`.
    ///
    /// # Panics
    /// There is no `kill`.
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{signal}"), &self.child.id().to_string()])
            .status();
        assert!(sent.expect("the command kill").success());
    }
}

impl Drop for Running {
    /// The signal ends a process that is stopped, too.
    fn drop(&mut self) {
        if self.child.kill().is_ok() {
            let _ = self.child.wait();
        }
    }
}

/// The command line of a party of a script.
pub fn party(folder: &Folder, command: &str, name: &str, script: &Path) -> Command {
    let mut process = Command::new(smpc());
    process
        .arg(command)
        .arg(name)
        .arg(script)
        .arg("--peers")
        .arg(folder.path("keys/peers.toml"))
        .arg("--json");
    process
}

/// Starts all parties of a script, each with these options, and waits for all.
pub fn all(folder: &Folder, parties: &[&str], script: &Path, options: &[&str]) -> Vec<Ended> {
    let started: Vec<Running> = parties
        .iter()
        .map(|name| start(name, party(folder, "party", name, script).args(options)))
        .collect();
    started.into_iter().map(Running::wait).collect()
}
