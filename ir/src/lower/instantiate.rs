//! Instances of flat protocols: shapes bound, parties seated.

use super::{Error, Failed, Lower, Lowerer, Map, NO_PROTOCOL, Shared};
use crate::flat::{Flat, FlatOp, FlatOperand, Kind, Want};
use crate::local::{Local, Prim};
use crate::party::{CoinDomain, Op, Origin, Party, Value as Wire, ValueInfo};
use crate::size::Size;
use std::ops::Range;
use std::sync::Arc;

/// An argument of a protocol, or a result.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    Shared(Shared),
    Clear(Wire),
}

/// What an instance binds.
pub(super) struct Binding<'s> {
    pub(super) left: &'s [Size],
    pub(super) right: &'s [Size],
    /// Also the shape of the elements of a protocol that is not bilinear.
    pub(super) product: &'s [Size],
    pub(super) map: Map,
    pub(super) outsider: Option<Party>,
}

impl<'s> Binding<'s> {
    /// For a protocol on elements of one shape.
    pub(super) fn elements(shape: &'s [Size]) -> Self {
        Self {
            left: shape,
            right: shape,
            product: shape,
            map: Map::Elementwise,
            outsider: None,
        }
    }

    /// The shape of a value of the protocol.
    pub(super) fn shape(&self, kind: Kind) -> Vec<Size> {
        match kind {
            Kind::Scalar => vec![],
            Kind::Element | Kind::Product => self.product.to_vec(),
            Kind::Rows => self.product.iter().take(1).cloned().collect(),
            Kind::Left => self.left.to_vec(),
            Kind::Right => self.right.to_vec(),
            Kind::Digest => vec![Size::from(2)],
        }
    }
}

/// Whether a step before the inputs reads the last parameter, a public amount.
pub(super) fn amount_is_offline(flat: &Flat) -> bool {
    let Some(FlatOperand::Clear(amount)) = flat.params.last() else {
        return false;
    };
    let mut reads = vec![false; flat.values.len()];
    reads[*amount as usize] = true;
    flat.steps.iter().any(|step| {
        let depends = step.args.iter().any(|a| reads[*a as usize]);
        reads[step.result as usize] |= depends;
        let sent = matches!(step.op, FlatOp::Send { .. });
        depends && sent && flat.values[step.result as usize].offline
    })
}

impl Lowerer<'_> {
    /// The protocol, or a report that there is none.
    pub(super) fn protocol(&mut self, want: Want) -> Lower<Arc<Flat>> {
        match self.protocols.protocol(want) {
            Ok(flat) => Ok(flat),
            Err(missing) => {
                self.errors.push(Error {
                    source: self.emit.source,
                    code: NO_PROTOCOL,
                    message: missing.0,
                });
                Err(Failed)
            }
        }
    }

    /// One shared result of a protocol on shared arguments.
    pub(super) fn shared_call(
        &mut self,
        want: Want,
        args: &[Operand],
        binding: &Binding<'_>,
    ) -> Lower<Shared> {
        let flat = self.protocol(want)?;
        match self.instantiate(&flat, args, binding, &mut None)?.pop() {
            Some(Operand::Shared(shared)) => Ok(shared),
            _ => self.fail(NO_PROTOCOL, format!("`{}` has no shared result", flat.name)),
        }
    }

    /// Emits the protocol's steps, and notes the calls it defers. `permutations` shares the coins that
    /// are permutations between instances: the first fills it, later ones read it in order.
    pub(super) fn instantiate(
        &mut self,
        flat: &Flat,
        args: &[Operand],
        binding: &Binding<'_>,
        permutations: &mut Option<(Vec<Wire>, usize)>,
    ) -> Lower<Vec<Operand>> {
        let mut instance = self.begin(flat, args, binding)?;
        for (at, phase) in phases(flat).into_iter().enumerate() {
            if at > 0 {
                self.emit.push(Op::Barrier, vec![], vec![]);
            }
            self.carry_out(&mut instance, phase, permutations)?;
        }
        self.record_calls(&instance)?;
        self.operands(&flat.results, &instance.bound)
    }

    /// Records the calls that an instance defers.
    pub(super) fn record_calls(&mut self, instance: &Instance<'_>) -> Lower<()> {
        for deferred in &instance.flat.deferred {
            let args = self.operands(&deferred.args, &instance.bound)?;
            self.defer(deferred, args, instance.binding);
        }
        Ok(())
    }

    /// The elements of a tensor along one axis.
    fn flattened(&mut self, value: Wire) -> Wire {
        let info = self.emit.info(value).clone();
        if info.shape.len() == 1 {
            return value;
        }
        let row = [info.elements()];
        self.emit
            .local_at(Local::Reshape, &[value], info.elem, &row, info.known_to)
    }

    /// Values of an instance as arguments or results.
    fn operands(&self, list: &[FlatOperand], bound: &[Option<Wire>]) -> Lower<Vec<Operand>> {
        let wire = |id: &u32| bound[*id as usize].ok_or(Failed);
        list.iter()
            .map(|operand| match operand {
                FlatOperand::Clear(id) => wire(id).map(Operand::Clear),
                FlatOperand::Shared(ids) => {
                    let components = ids.iter().map(wire).collect::<Lower<Vec<Wire>>>()?;
                    let elem = components
                        .first()
                        .map(|c| self.emit.info(*c).elem)
                        .ok_or(Failed)?;
                    Ok(Operand::Shared(Shared { elem, components }))
                }
            })
            .collect()
    }

    /// A new instance with its parameters bound.
    pub(super) fn begin<'s>(
        &mut self,
        flat: &'s Flat,
        args: &[Operand],
        binding: &'s Binding<'s>,
    ) -> Lower<Instance<'s>> {
        let mut bound: Vec<Option<Wire>> = vec![None; flat.values.len()];
        if args.len() != flat.params.len() {
            return self.fail(
                NO_PROTOCOL,
                format!(
                    "`{}` takes {} arguments, not {}",
                    flat.name,
                    flat.params.len(),
                    args.len()
                ),
            );
        }
        for (param, arg) in flat.params.iter().zip(args) {
            match (param, arg) {
                (FlatOperand::Shared(ids), Operand::Shared(shared))
                    if ids.len() == shared.components.len() =>
                {
                    for (id, component) in ids.iter().zip(&shared.components) {
                        bound[*id as usize] = Some(*component);
                    }
                }
                (FlatOperand::Clear(id), Operand::Clear(value)) => {
                    bound[*id as usize] = Some(*value)
                }
                _ => {
                    return self.fail(
                        NO_PROTOCOL,
                        format!("`{}` does not take these kinds of arguments", flat.name),
                    );
                }
            }
        }
        let call = self.emit.call(&flat.name);
        Ok(Instance {
            flat,
            binding,
            bound,
            call,
        })
    }

    /// Emits some of an instance's steps.
    pub(super) fn carry_out(
        &mut self,
        instance: &mut Instance<'_>,
        steps: Range<usize>,
        permutations: &mut Option<(Vec<Wire>, usize)>,
    ) -> Lower<()> {
        let Instance {
            flat,
            binding,
            bound,
            call,
        } = instance;
        let outsider = flat.outsider.zip(binding.outsider);
        for step in &flat.steps[steps] {
            let args: Vec<Wire> = step
                .args
                .iter()
                .map(|a| bound[*a as usize].ok_or(Failed))
                .collect::<Lower<_>>()?;
            let info = &flat.values[step.result as usize];
            let shape = binding.shape(info.kind);
            let known_to = self.seated(info.known_to, outsider);
            let coin = matches!(step.op, FlatOp::Coin(_));
            let offline = info.offline && (coin || args.iter().all(|a| self.emit.info(*a).offline));
            let origin = Some(Origin {
                call: *call,
                source: step.source,
            });
            let op = match &step.op {
                FlatOp::Local(local) => Op::Local(local.clone()),
                FlatOp::Bilinear => Op::Local(match binding.map {
                    Map::Elementwise => Local::Prim(Prim::Mul),
                    Map::MatMul => Local::MatMul,
                }),
                FlatOp::Coin(domain) => {
                    if *domain == CoinDomain::Permutation
                        && let Some((drawn, next)) = permutations
                        && let Some(value) = drawn.get(*next)
                    {
                        bound[step.result as usize] = Some(*value);
                        *next += 1;
                        continue;
                    }
                    Op::Coin(domain.clone())
                }
                FlatOp::Send { from, to } => Op::Send {
                    from: match outsider {
                        Some((number, party)) if number == *from => party,
                        _ => self.seats.get(usize::from(*from)).copied().ok_or(Failed)?,
                    },
                    to: self.seated(*to, outsider),
                },
                FlatOp::Check { at } => Op::Check {
                    at: self.seated(*at, outsider),
                },
                FlatOp::Assert { at } => {
                    let at = self.seated(*at, outsider);
                    self.emit.origin = origin;
                    self.emit.push(Op::Check { at }, args, vec![]);
                    self.emit.origin = None;
                    continue;
                }
                FlatOp::Key(key) => {
                    let key = self.keys.get(*key as usize).copied().ok_or(Failed)?;
                    bound[step.result as usize] = Some(key);
                    continue;
                }
            };
            // The sum of all elements, whatever the axes of the operands.
            let args = match (&op, info.kind, args.as_slice()) {
                (Op::Local(Local::Sum { .. }), Kind::Scalar, [arg]) => {
                    vec![self.flattened(*arg)]
                }
                _ => args,
            };
            let result = self.emit.value(ValueInfo {
                elem: info.elem,
                shape,
                known_to,
                offline,
            });
            if let Op::Coin(CoinDomain::Permutation) = op
                && let Some((drawn, next)) = permutations
            {
                drawn.push(result);
                *next += 1;
            }
            self.emit.origin = origin;
            self.emit.push(op, args, vec![result]);
            self.emit.origin = None;
            bound[step.result as usize] = Some(result);
        }
        Ok(())
    }
}

/// A protocol being instantiated.
pub(super) struct Instance<'s> {
    pub(super) flat: &'s Flat,
    binding: &'s Binding<'s>,
    bound: Vec<Option<Wire>>,
    call: u32,
}

/// The steps between barriers.
pub(super) fn phases(flat: &Flat) -> Vec<Range<usize>> {
    let mut phases = vec![];
    let mut start = 0;
    for at in &flat.barriers {
        let at = (*at as usize).min(flat.steps.len());
        phases.push(start..at);
        start = at;
    }
    phases.push(start..flat.steps.len());
    phases
}
