//! The capability matrix: what each operation costs under each backend, from the cost formulas of
//! scripts lowered for it, or what the backend lacks.
//!
//! A figure is a difference between two scripts. Both share the same inputs; one carries out the
//! operation in a loop of one turn. A loop's turn begins with all shares at their holders and ends with
//! the checks that it made necessary, so that neither end overlaps with what stands around it. All secrets
//! are shown to an observer ([`lower::Options::probes`]), so that nothing is left out because nobody
//! reads it.

use smpc_check::NoFiles;
use smpc_grammar::Sources;
use smpc_ir::party::{self, Cost};
use smpc_ir::{Size, SizeVar, lower, share};
use smpc_protocol::{Bound, Library};

/// An operation of scripts on secrets of shape `[n]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// What it is called.
    pub name: &'static str,
    /// The type of its operands `x` and `y`, shares of inputs.
    operands: &'static str,
    /// The type of its result.
    result: &'static str,
    /// Its text; nothing for sharing and revealing.
    text: &'static str,
    /// The truncation mode it is about, if it is about one.
    mode: Option<&'static str>,
}

/// A row of the table.
const fn row(
    name: &'static str,
    operands: &'static str,
    result: &'static str,
    text: &'static str,
) -> Operation {
    Operation {
        name,
        operands,
        result,
        text,
        mode: None,
    }
}

/// A row about fixed point in one mode.
const fn fixed(name: &'static str, text: &'static str, mode: &'static str) -> Operation {
    Operation {
        name,
        operands: "fix",
        result: "fix",
        text,
        mode: Some(mode),
    }
}

const SHARE: &str = "share from outside";
const REVEAL: &str = "reveal to outside";
const REVEAL_ALL: &str = "reveal to all";

/// Every operation of the matrix, on n elements; the inner product has n terms.
pub const OPERATIONS: [Operation; 20] = [
    row(SHARE, "int", "int", ""),
    row(REVEAL, "int", "int", ""),
    row(REVEAL_ALL, "int", "int", ""),
    row("add", "int", "int", "x + y"),
    row("times a public integer", "int", "int", "7 * x"),
    row("product", "int", "int", "x * y"),
    row("inner product", "int", "int", "dot(x, y) * ones(n)"),
    fixed("product of fix (local)", "x * y + x", "local"),
    fixed("product of fix (one unit)", "x * y + x", "one_unit"),
    fixed("product of fix (exact)", "x * y + x", "exact"),
    fixed("truncation (local)", "(x as fix<8>) as fix", "local"),
    fixed("truncation (one unit)", "(x as fix<8>) as fix", "one_unit"),
    fixed("truncation (exact)", "(x as fix<8>) as fix", "exact"),
    row("and", "bool", "bool", "x & y"),
    row("int to bits", "int", "bits<32>", "x as bits<32>"),
    row("sign", "int", "bool", "x < 0"),
    row("less than", "int", "bool", "x < y"),
    row("equal", "int", "bool", "x == y"),
    row("bool to int", "bool", "int", "x as int"),
    row("shuffle", "int", "int", "shuffle(x)"),
];

/// What an operation costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Online rounds.
    pub rounds: Size,
    /// Online bytes sent by all parties together.
    pub bytes: Size,
    /// Bytes sent before the inputs.
    pub offline_bytes: Size,
}

impl Figures {
    /// The sums over all parties of a script's cost, at one turn of its loop.
    fn of(cost: &Cost, program: &share::Program) -> Self {
        let turns = |var: SizeVar| {
            let info = program.sizes.get(var.0 as usize)?;
            matches!(info.origin, share::SizeOrigin::Param(_)).then(Size::one)
        };
        let once = |size: &Size| size.substitute(&turns);
        let total = |list: &[Size]| once(&list.iter().fold(Size::zero(), |sum, s| &sum + s));
        Self {
            rounds: once(&cost.rounds),
            bytes: total(&cost.bytes),
            offline_bytes: total(&cost.offline_bytes),
        }
    }

    fn minus(&self, other: &Self) -> Self {
        Self {
            rounds: &self.rounds - &other.rounds,
            bytes: &self.bytes - &other.bytes,
            offline_bytes: &self.offline_bytes - &other.offline_bytes,
        }
    }

    /// Rounds, bytes and offline bytes for n elements; nothing if a formula has no value there.
    pub fn at(&self, n: i128) -> Option<[i128; 3]> {
        let value = |size: &Size| size.evaluate(&|_| Some(n)).ok();
        Some([
            value(&self.rounds)?,
            value(&self.bytes)?,
            value(&self.offline_bytes)?,
        ])
    }

    /// The formulas as text in `n`: rounds, bytes, offline bytes.
    pub fn formulas(&self) -> [String; 3] {
        let shown = |size: &Size| size.display(&|_| "n".to_owned());
        [
            shown(&self.rounds),
            shown(&self.bytes),
            shown(&self.offline_bytes),
        ]
    }
}

impl Operation {
    /// The script with the operation, and the one whose cost is taken off. Both have a parameter
    /// `turns`, which is 1.
    pub fn scripts(&self) -> [String; 2] {
        let (operands, result) = (self.operands, self.result);
        let script = |body: &str, leaks: &str| {
            format!(
                "party a;\nparam turns: int = 1;\ninput u: [{operands}; n] from a;\n\
                 input v: [{operands}; n] from a;\ninput w: [{result}; n] from a;\n\
                 let (x, y, r) = (share u, share v, share w);\n{body}\nleaks n to all{leaks};\n"
            )
        };
        let turn = |text: &str| format!("let mut z = r;\nfor i in 0..turns {{ {text} }}");
        let with = match self.name {
            SHARE => script(&turn("z = share w;"), ""),
            REVEAL => script(
                &turn("reveal r to a as out;"),
                ", out to a for i in 0..turns",
            ),
            REVEAL_ALL => script(&turn("reveal r as out;"), ", out to all for i in 0..turns"),
            _ => script(&turn(&format!("z = {};", self.text)), ""),
        };
        [with, script("", "")]
    }

    /// The truncation mode to bind the backend with, if the operation is about one.
    pub fn mode(&self) -> Option<&'static str> {
        self.mode
    }

    /// What it costs under a backend that is bound in its mode.
    ///
    /// # Errors
    /// What the backend lacks, in words.
    pub fn figures(&self, bound: &Bound) -> Result<Figures, String> {
        let [with, without] = self.scripts();
        let with = cost(&checked(&with)?, bound)?;
        Ok(with.minus(&cost(&checked(&without)?, bound)?))
    }
}

/// One of [`Operation::scripts`], checked.
fn checked(text: &str) -> Result<share::Program, String> {
    let mut sources = Sources::new();
    let root = sources.add("operation.smpc", text);
    let options = smpc_check::Options::default();
    smpc_check::check(&mut sources, root, &NoFiles, &options)
        .map(|checked| checked.program)
        .map_err(|errors| {
            errors
                .iter()
                .map(|e| e.message.clone())
                .collect::<Vec<_>>()
                .join("; ")
        })
}

fn cost(program: &share::Program, bound: &Bound) -> Result<Figures, String> {
    let lowered =
        lower::lower(program, bound, lower::Options { probes: true }).map_err(|errors| {
            let first = errors.into_iter().next();
            first.map_or_else(String::new, |error| error.message)
        })?;
    let valid = party::validate(&lowered).map_err(|error| format!("{error:?}"))?;
    Ok(Figures::of(&party::cost(valid), program))
}

/// One backend's column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The backend's name.
    pub backend: String,
    /// For each of [`OPERATIONS`] its cost, or what is lacking.
    pub cells: Vec<Result<Figures, String>>,
}

/// The matrix over all backends of a library that can be bound with their own defaults.
pub fn matrix(library: &Library) -> Vec<Column> {
    let names: Vec<String> = library.backends().into_iter().map(|b| b.name).collect();
    let mut columns: Vec<Option<Column>> = vec![None; names.len()];
    std::thread::scope(|scope| {
        for (name, slot) in names.iter().zip(&mut columns) {
            scope.spawn(|| *slot = column(library, name));
        }
    });
    columns.into_iter().flatten().collect()
}

/// One backend's column; nothing if it cannot be bound.
fn column(library: &Library, name: &str) -> Option<Column> {
    library.bind(name, &[], None).ok()?;
    let cell = |operation: &Operation| {
        let bound = library.bind(name, &[], operation.mode).map_err(|errors| {
            let first = errors.into_iter().next();
            first.map_or_else(String::new, |error| error.message)
        })?;
        operation.figures(&bound)
    };
    Some(Column {
        backend: name.to_owned(),
        cells: OPERATIONS.iter().map(cell).collect(),
    })
}

/// The matrix as text for n elements: `rounds/bytes`, with `+bytes` for what is sent before the inputs;
/// `-` where the backend lacks the operation.
pub fn table(columns: &[Column], n: i128) -> String {
    let cell = |cell: &Result<Figures, String>| match cell {
        Err(_) => "-".to_owned(),
        Ok(figures) => match figures.at(n) {
            Some([rounds, bytes, 0]) => format!("{rounds}/{bytes}"),
            Some([rounds, bytes, offline]) => format!("{rounds}/{bytes}+{offline}"),
            None => "?".to_owned(),
        },
    };
    let mut rows: Vec<Vec<String>> = vec![
        std::iter::once("operation".to_owned())
            .chain(columns.iter().map(|c| c.backend.clone()))
            .collect(),
    ];
    for (at, operation) in OPERATIONS.iter().enumerate() {
        let mut row = vec![operation.name.to_owned()];
        row.extend(
            columns
                .iter()
                .map(|c| c.cells.get(at).map_or_else(String::new, cell)),
        );
        rows.push(row);
    }
    let width = |at: usize| {
        rows.iter()
            .filter_map(|r| r.get(at))
            .map(String::len)
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..=columns.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let padded = row
            .iter()
            .zip(&widths)
            .map(|(text, width)| format!("{text:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}
