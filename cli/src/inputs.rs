//! Input files of a script, whose problems point into its text.

use crate::problem::Problem;
use smpc_ir::party::Program;
use smpc_runtime::files::{self, Read};
use std::path::Path;

/// Reads every input of a program below `folder`, and takes the problems out.
pub fn read(program: &Program, folder: &Path, problems: &mut Vec<Problem>) -> Read {
    let mut read = files::read(&files::wanted(program), folder, None);
    let found = std::mem::take(&mut read.problems);
    problems.extend(found.into_iter().map(|p| problem(program, p)));
    read
}

/// A problem of a file, with the declaration that it contradicts.
pub fn problem(program: &Program, found: files::Problem) -> Problem {
    let mut problem = Problem::file(found.code, found.message, found.path);
    if let Some(row) = found.row {
        problem = problem.at_row(row);
    }
    if let Some(column) = found.column {
        problem = problem.at_column(column);
    }
    if let Some(help) = found.help {
        problem = problem.help(help);
    }
    match found.input.and_then(|at| program.inputs.get(at)) {
        Some(input) => problem.label(input.source, "declared here"),
        None => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bind;
    use smpc_ir::local::Source;
    use smpc_ir::share::{Input, SizeInfo, SizeOrigin, Type};
    use smpc_ir::{Atom, Size, SizeVar};
    use smpc_runtime::number;

    fn size(var: u32) -> Size {
        Size::atom(Atom::Var(SizeVar(var)))
    }

    fn named(name: &str, input: u32, axis: u8) -> SizeInfo {
        SizeInfo {
            name: name.into(),
            origin: SizeOrigin::Input { input, axis },
            source: Source::default(),
        }
    }

    fn input(party: u8, file: &str, ty: Type, shape: Vec<Size>) -> Input {
        Input {
            party,
            file: file.into(),
            column: None,
            ty,
            text: false,
            shape,
            source: Source::default(),
        }
    }

    /// The genomic example's inputs, read and bound.
    #[test]
    fn members_of_a_family_share_a_size() {
        let mut program = Program {
            parties: (0..3).map(|i| format!("clinic[{i}]")).collect(),
            ring_bits: 64,
            sizes: vec![named("d", 0, 1)],
            ..Program::default()
        };
        for clinic in 0..3u8 {
            let n = size(u32::from(clinic) + 1);
            let info = named(&format!("n[{clinic}]"), u32::from(clinic) * 2, 0);
            program.sizes.push(info);
            let x = input(clinic, "x", Type::Fix(16), vec![n.clone(), size(0)]);
            let y = input(clinic, "y", Type::Bits(1), vec![n]);
            program.inputs.extend([x, y]);
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/genomic");
        let mut problems = Vec::new();
        let read = read(&program, &folder, &mut problems);
        let values = bind::sizes(&program, &[], &read, &mut problems);
        assert_eq!(problems, []);
        assert_eq!(values, [Some(2905), Some(56), Some(56), Some(56)]);
        let first = read.arrays[0].as_ref().map(|a| a.values[0]);
        assert_eq!(first, number::fixed("-0.0014").ok());
    }

    #[test]
    fn lengths_that_disagree_name_both_files() {
        let mut words = input(0, "words", Type::Bits(128), vec![size(0), size(0)]);
        words.text = true;
        let program = Program {
            parties: vec!["server".into(), "user".into()],
            ring_bits: 64,
            sizes: vec![named("n", 0, 0)],
            inputs: vec![words],
            ..Program::default()
        };
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/keyword");
        let mut problems = Vec::new();
        let mut read = read(&program, &folder, &mut problems);
        assert_eq!(problems, []);
        if let Some(array) = &mut read.arrays[0] {
            array.shape[0] = 7;
        }
        bind::sizes(&program, &[], &read, &mut problems);
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].code, "I08");
    }
}
