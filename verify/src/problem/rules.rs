//! The rules of flat protocols, held against one before anything is proved of it.

use super::{Malformed, Operand, Problem, malformed, operand_ids};
use crate::sharing;
use smpc_ir::flat::{FlatOp, FlatOperand, Kind};
use smpc_ir::local::{Local, Prim};
use smpc_ir::party::{CoinDomain, Elem, Party, PartySet};

impl Problem {
    /// Checks the rules of flat protocols: definition before use, element types, knowledge that
    /// grows by sends only, components delivered to their holders.
    ///
    /// # Errors
    /// The first rule broken.
    pub fn validate(&self) -> Result<(), Malformed> {
        let flat = &self.flat;
        for operand in self.params.iter().chain(&self.results) {
            if let Operand::Shared(sharing) = operand
                && let Some(fault) = sharing::fault(sharing)
            {
                return malformed(fault);
            }
        }
        for operand in self.params.iter().chain(&self.results) {
            if let Operand::Shared(sharing) = operand
                && sharing.keyed.iter().any(|(_, key)| {
                    let key = self.keys.get(*key as usize);
                    key.is_none_or(|key| key.elem != sharing.elem)
                })
            {
                return malformed("a sharing with a key that does not exist, or of another type");
            }
        }
        if !flat.deferred.is_empty() {
            return malformed("a deferred protocol that was not carried out");
        }
        let mut defined = vec![false; flat.values.len()];
        let everyone = self.everyone();
        for (operands, specs, what) in [
            (&flat.params, &self.params, "parameters"),
            (&flat.results, &self.results, "results"),
        ] {
            if operands.len() != specs.len() {
                return malformed(format!("{} {what}, not {}", operands.len(), specs.len()));
            }
            for (operand, spec) in operands.iter().zip(specs) {
                let ids = match (operand, spec) {
                    (FlatOperand::Shared(ids), Operand::Shared(sharing))
                        if ids.len() == sharing.holders.len()
                            && ids.len() == sharing.reconstruction.len() =>
                    {
                        ids.as_slice()
                    }
                    (FlatOperand::Clear(id), Operand::Clear { .. }) => std::slice::from_ref(id),
                    _ => return malformed(format!("{what}: sharings do not fit")),
                };
                for &id in ids {
                    let elem = match spec {
                        Operand::Shared(sharing) => sharing.elem,
                        Operand::Clear { elem, .. } => *elem,
                    };
                    match flat.values.get(id as usize) {
                        Some(info) if info.elem == elem => {}
                        _ => return malformed(format!("{what}: value {id} of another type")),
                    }
                }
            }
        }
        for operand in &flat.params {
            for &id in operand_ids(operand) {
                if std::mem::replace(&mut defined[id as usize], true) {
                    return malformed(format!("value {id} is two parameters"));
                }
            }
        }
        for (operand, spec) in flat.params.iter().zip(&self.params) {
            for (at, &id) in operand_ids(operand).iter().enumerate() {
                let meant = match spec {
                    Operand::Shared(sharing) => sharing.holders[at],
                    Operand::Clear { known_to, elem } if *elem == Elem::Ring(64) => {
                        known_to.union(match flat.values[id as usize].kind {
                            Kind::Scalar => everyone,
                            _ => PartySet::EMPTY,
                        })
                    }
                    Operand::Clear { known_to, .. } => *known_to,
                };
                if !flat.values[id as usize].known_to.is_subset(meant) {
                    return malformed(format!("parameter value {id} is known to too many"));
                }
            }
        }
        for (number, step) in flat.steps.iter().enumerate() {
            self.validate_step(number, &mut defined)
                .map_err(|Malformed(text)| Malformed(format!("step {number}: {text}")))?;
            if flat.values[step.result as usize].elem == Elem::Fix {
                return malformed(format!("step {number}: clear fixed point in a protocol"));
            }
        }
        for (operand, spec) in flat.results.iter().zip(&self.results) {
            for (at, &id) in operand_ids(operand).iter().enumerate() {
                let needs = match spec {
                    Operand::Shared(sharing) => sharing.holders[at],
                    Operand::Clear { known_to, .. } => *known_to,
                };
                if !defined[id as usize] {
                    return malformed(format!("result value {id} is not defined"));
                }
                if !needs.is_subset(flat.values[id as usize].known_to) {
                    return malformed(format!("result value {id} does not reach its holders"));
                }
            }
        }
        Ok(())
    }

    fn validate_step(&self, number: usize, defined: &mut [bool]) -> Result<(), Malformed> {
        let flat = &self.flat;
        let step = &flat.steps[number];
        let mut joint = self.everyone();
        for &arg in &step.args {
            if !defined.get(arg as usize).copied().unwrap_or(false) {
                return malformed(format!("value {arg} is used before it is defined"));
            }
            joint = joint.intersection(flat.values[arg as usize].known_to);
        }
        match defined.get_mut(step.result as usize) {
            None => return malformed("its result does not exist"),
            Some(slot) if *slot => return malformed("its result is defined twice"),
            Some(slot) => *slot = true,
        }
        let result = &flat.values[step.result as usize];
        let arg = |at: usize| &flat.values[step.args[at] as usize];
        let known = result.known_to;
        if !known.is_subset(self.everyone()) {
            return malformed("a party that does not exist");
        }
        let count = |n: usize| {
            if step.args.len() == n {
                Ok(())
            } else {
                malformed(format!("{} operands, not {n}", step.args.len()))
            }
        };
        let not_known = || malformed("its result is known to a party that lacks an operand");
        match &step.op {
            FlatOp::Coin(domain) => {
                count(0)?;
                if known.is_empty() {
                    return malformed("a coin of nobody");
                }
                if matches!(domain, CoinDomain::Below(0)) {
                    return malformed("a coin from an empty range");
                }
            }
            FlatOp::Send { from, to } => {
                count(1)?;
                if !arg(0).known_to.contains(Party(*from)) {
                    return malformed("the sender lacks the value");
                }
                if !known.is_subset(arg(0).known_to.union(*to)) {
                    return malformed("known to a party that is sent nothing");
                }
                if result.elem != arg(0).elem || result.kind != arg(0).kind {
                    return malformed("a message changes its type");
                }
            }
            FlatOp::Bilinear => {
                count(2)?;
                if !known.is_subset(joint) {
                    return not_known();
                }
                let kinds = (arg(0).kind, arg(1).kind, result.kind);
                let lifted = kinds == (Kind::Left, Kind::Right, Kind::Product);
                let plain = kinds.0 == kinds.1
                    && kinds.1 == kinds.2
                    && !matches!(kinds.0, Kind::Left | Kind::Right);
                if !(lifted || plain) || arg(0).elem != arg(1).elem || arg(0).elem != result.elem {
                    return malformed("a product that is not left times right");
                }
            }
            FlatOp::Check { at } => {
                count(3)?;
                let compared = arg(1).known_to.intersection(arg(2).known_to);
                if !at.is_subset(compared) || arg(1).elem != arg(2).elem {
                    return malformed("a comparison by a party that lacks an operand");
                }
                if !known.is_subset(arg(0).known_to)
                    || (arg(0).elem, arg(0).kind) != (result.elem, result.kind)
                {
                    return not_known();
                }
            }
            FlatOp::Assert { at } => {
                count(2)?;
                if !at.is_subset(joint) || arg(0).elem != arg(1).elem {
                    return malformed("a comparison by a party that lacks an operand");
                }
            }
            FlatOp::Key(key) => {
                count(0)?;
                let Some(key) = self.keys.get(*key as usize) else {
                    return malformed("a key that does not exist");
                };
                if !known.is_subset(key.known_to)
                    || key.elem != result.elem
                    || result.kind != Kind::Scalar
                {
                    return not_known();
                }
            }
            FlatOp::Local(local) => {
                if !known.is_subset(joint) {
                    return not_known();
                }
                self.validate_local(local, number)?;
            }
        }
        Ok(())
    }

    fn validate_local(&self, local: &Local, number: usize) -> Result<(), Malformed> {
        let flat = &self.flat;
        let step = &flat.steps[number];
        let elem = |at: usize| flat.values[step.args[at] as usize].elem;
        let kind = |at: usize| flat.values[step.args[at] as usize].kind;
        let result = &flat.values[step.result as usize];
        let arity = match local {
            Local::Constant(_) => 0,
            Local::Prim(prim) => prim.arity(),
            Local::Gather => 2,
            Local::Digest => step.args.len(),
            // A seed, and which stretch of its stream where there are several.
            Local::Expand => step.args.len().clamp(1, 2),
            Local::InversePermutation | Local::Sum { .. } | Local::Broadcast => 1,
            _ => return malformed("an operation that protocols do not have"),
        };
        if step.args.len() != arity {
            return malformed(format!("{} operands, not {arity}", step.args.len()));
        }
        let fits = match local {
            Local::Prim(prim) => {
                let shaped: Vec<Kind> = (0..arity)
                    .map(kind)
                    .filter(|k| *k != Kind::Scalar)
                    .collect();
                let shape = shaped.first().copied().unwrap_or(Kind::Scalar);
                if shaped.iter().any(|k| *k != shape) || result.kind != shape {
                    return malformed("operands of different shapes");
                }
                if *prim == Prim::Mul
                    && shaped.len() == 2
                    && matches!(shape, Kind::Left | Kind::Right)
                {
                    return malformed("a product of two factors of one side");
                }
                let field = matches!(result.elem, Elem::Field(_));
                match prim {
                    Prim::Not | Prim::Rem if field => false,
                    Prim::Shl | Prim::Shr | Prim::ShrLogical if field => false,
                    Prim::Add | Prim::Sub | Prim::Mul | Prim::Neg | Prim::Not => {
                        (0..arity).all(|at| elem(at) == result.elem)
                    }
                    Prim::Eq | Prim::Lt => elem(0) == elem(1) && result.elem == Elem::Bits(1),
                    Prim::Shl | Prim::Shr | Prim::ShrLogical => {
                        elem(0) == result.elem && matches!(elem(1), Elem::Ring(_))
                    }
                    Prim::Select => {
                        elem(0) == Elem::Bits(1) && elem(1) == result.elem && elem(2) == result.elem
                    }
                    Prim::Cast => true,
                    Prim::BitSlice { .. } => {
                        matches!((elem(0), result.elem), (Elem::Bits(_), Elem::Bits(_)))
                    }
                    Prim::Div | Prim::Rem => elem(0) == result.elem && elem(1) == result.elem,
                    _ => return malformed("an operation on clear fixed point"),
                }
            }
            Local::Gather
                if kind(1) != Kind::Rows
                    || kind(0) != result.kind
                    || !matches!(kind(0), Kind::Element | Kind::Rows) =>
            {
                return malformed("an order of what has no rows");
            }
            Local::Gather | Local::Broadcast | Local::Sum { .. } => elem(0) == result.elem,
            Local::InversePermutation => kind(0) == result.kind,
            _ => true,
        };
        if fits {
            Ok(())
        } else {
            malformed("operands of the wrong type")
        }
    }
}
