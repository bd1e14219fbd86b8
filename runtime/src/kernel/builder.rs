//! From operations in order to instructions with registers.

use super::{Builder, Code, Info, Instruction, Kernel, NOWHERE, Place, Slot, fits, is_packed};
use crate::tensor::mask;
use smpc_ir::local::Prim;
use smpc_ir::party::Elem;

impl Builder {
    fn slot(&mut self, elem: Elem, place: Place) -> Option<Slot> {
        let slot = Slot(u32::try_from(self.slots.len()).ok()?);
        self.slots.push(Info { elem, place });
        Some(slot)
    }

    fn info(&self, slot: Slot) -> Option<Info> {
        self.slots.get(slot.0 as usize).copied()
    }

    /// The next tensor argument, with as many elements as the kernel's shape. `None` if elements
    /// of this type are not one word at most.
    pub fn input(&mut self, elem: Elem) -> Option<Slot> {
        if !fits(elem) {
            return None;
        }
        self.inputs.push(elem);
        self.slot(elem, Place::Input(self.inputs.len() as u32 - 1))
    }

    /// The next argument that is one element for all; scalars follow the inputs among the
    /// arguments of [`Kernel::run`].
    pub fn scalar(&mut self, elem: Elem) -> Option<Slot> {
        if !fits(elem) {
            return None;
        }
        self.scalars.push(elem);
        self.slot(elem, Place::Scalar(self.scalars.len() as u32 - 1))
    }

    /// A constant, as in [`smpc_ir::local::Local::Constant`].
    pub fn constant(&mut self, elem: Elem, value: i128) -> Option<Slot> {
        if !fits(elem) {
            return None;
        }
        let word = if is_packed(elem) {
            (value as u64 & 1).wrapping_neg()
        } else {
            value as u64 & mask(elem.wire_bits())
        };
        self.slot(elem, Place::Constant(word))
    }

    /// The next uniform coin.
    pub fn coin(&mut self, elem: Elem) -> Option<Slot> {
        if !fits(elem) {
            return None;
        }
        let width = match elem {
            Elem::Bits(m @ 2..64) => Some(m),
            _ => None,
        };
        self.coins.push(elem);
        let index = self.coins.len() as u32 - 1;
        self.emit(Code::Coin { index, width }, &[], elem)
    }

    /// An element-wise operation. `None`, and nothing is added, if kernels do not do it: those
    /// that can fail (division, conversions to and from fixed point), shifts by other than a scalar
    /// or constant, and wide elements. [`crate::elementwise::apply`] does all of them.
    pub fn prim(&mut self, prim: Prim, args: &[Slot], elem: Elem) -> Option<Slot> {
        if !fits(elem) || args.len() != prim.arity() {
            return None;
        }
        let infos = args
            .iter()
            .map(|s| self.info(*s))
            .collect::<Option<Vec<_>>>()?;
        let of = |i: usize| infos[i].elem;
        let ring = matches!(elem, Elem::Ring(_));
        let code = match prim {
            Prim::Add | Prim::Sub | Prim::Mul if of(0) != elem || of(1) != elem => return None,
            Prim::Add if ring => Code::Add,
            Prim::Sub if ring => Code::Sub,
            Prim::Mul if ring => Code::Mul,
            Prim::Add | Prim::Sub => Code::Xor,
            Prim::Mul => Code::And,
            Prim::Neg | Prim::Not if of(0) != elem => return None,
            Prim::Neg if ring => Code::Neg,
            Prim::Neg => return Some(args[0]),
            Prim::Not => {
                let ones = Place::Constant(self.mask_of(elem));
                return self.emit(Code::Xor, &[infos[0].place, ones], elem);
            }
            Prim::Shl | Prim::Shr | Prim::ShrLogical => {
                let single = matches!(infos[1].place, Place::Scalar(_) | Place::Constant(_));
                if of(0) != elem || is_packed(elem) || is_packed(of(1)) || !single {
                    return None;
                }
                let bits = elem.wire_bits();
                match prim {
                    Prim::Shl => Code::Shl(bits),
                    Prim::Shr => Code::Shr(bits),
                    _ => Code::ShrLogical(bits),
                }
            }
            Prim::Eq | Prim::Lt if of(0) != of(1) || !is_packed(elem) => return None,
            Prim::Eq if is_packed(of(0)) => Code::EqPacked,
            Prim::Lt if is_packed(of(0)) => Code::LtPacked,
            Prim::Eq => Code::Eq,
            Prim::Lt => Code::Lt(match of(0) {
                Elem::Ring(k) => 1 << (k - 1),
                _ => 0,
            }),
            Prim::Select if !is_packed(of(0)) || of(1) != elem || of(2) != elem => return None,
            Prim::Select if is_packed(elem) => Code::SelectPacked,
            Prim::Select => Code::Select,
            Prim::Cast => match (is_packed(of(0)), is_packed(elem)) {
                (true, true) => return Some(args[0]),
                (true, false) => Code::Widen,
                (false, true) => Code::Bit(0),
                (false, false) => {
                    let (from, to) = (of(0).wire_bits(), elem.wire_bits());
                    match of(0) {
                        Elem::Ring(_) if ring && from < to => Code::Extend(from),
                        same if same == elem => return Some(args[0]),
                        _ => Code::Copy,
                    }
                }
            },
            Prim::BitSlice { start, step } => {
                let (Elem::Bits(m), Elem::Bits(r)) = (of(0), elem) else {
                    return None;
                };
                let last = i32::from(start) + i32::from(step) * (i32::from(r) - 1);
                if start >= m || !(0..i32::from(m)).contains(&last) || m == 1 {
                    return None;
                }
                if r == 1 {
                    Code::Bit(start)
                } else {
                    Code::Bits { start, step }
                }
            }
            Prim::Div
            | Prim::Rem
            | Prim::Sqrt
            | Prim::Exp
            | Prim::Ln
            | Prim::Encode
            | Prim::Decode => return None,
        };
        let places: Vec<Place> = infos.iter().map(|i| i.place).collect();
        self.emit(code, &places, elem)
    }

    fn mask_of(&self, elem: Elem) -> u64 {
        if is_packed(elem) {
            u64::MAX
        } else {
            mask(elem.wire_bits())
        }
    }

    fn emit(&mut self, code: Code, args: &[Place], elem: Elem) -> Option<Slot> {
        let out = Place::Pending(u32::try_from(self.instructions.len()).ok()?);
        let mut places = [NOWHERE; 3];
        places[..args.len()].copy_from_slice(args);
        self.instructions.push(Instruction {
            code,
            args: places,
            out,
            mask: self.mask_of(elem),
            packed: is_packed(elem),
        });
        self.slot(elem, out)
    }

    /// Hands a computed value out as the next result. `None` if it was not computed by this kernel.
    pub fn output(&mut self, slot: Slot) -> Option<()> {
        let info = self.info(slot)?;
        let Place::Pending(index) = info.place else {
            return None;
        };
        self.outputs.push((index, info.elem));
        Some(())
    }

    /// How many operations were added.
    pub fn len(&self) -> usize {
        self.instructions.len()
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.instructions.is_empty()
    }

    /// The kernel. What no output depends on is left out, except that coins keep their numbers.
    pub fn build(mut self) -> Kernel {
        let mut uses = vec![0usize; self.instructions.len()];
        let mut last: Vec<usize> = (0..self.instructions.len()).collect();
        for (index, _) in &self.outputs {
            uses[*index as usize] += 2;
        }
        let count_uses = |instructions: &[Instruction], uses: &mut [usize]| {
            for at in (0..instructions.len()).rev() {
                if uses[at] == 0 {
                    continue;
                }
                for arg in instructions[at].args {
                    if let Place::Pending(i) = arg {
                        uses[i as usize] += 1;
                    }
                }
            }
        };
        count_uses(&self.instructions, &mut uses);
        self.fuse_products(&mut uses);
        for (at, instruction) in self.instructions.iter().enumerate() {
            for arg in instruction.args {
                if let (Place::Pending(i), true) = (arg, uses[at] > 0) {
                    last[i as usize] = at;
                }
            }
        }
        self.assign(&uses, &last)
    }

    /// A product used once, by a sum, is computed with it.
    fn fuse_products(&mut self, uses: &mut [usize]) {
        for at in 0..self.instructions.len() {
            let Instruction {
                code: Code::Add,
                args,
                ..
            } = self.instructions[at]
            else {
                continue;
            };
            for (product, other) in [(args[0], args[1]), (args[1], args[0])] {
                let Place::Pending(i) = product else { continue };
                let factor = &self.instructions[i as usize];
                if uses[at] > 0 && factor.code == Code::Mul && uses[i as usize] == 1 {
                    let [a, b, _] = factor.args;
                    uses[i as usize] = 0;
                    self.instructions[at].code = Code::MulAdd;
                    self.instructions[at].args = [a, b, other];
                    break;
                }
            }
        }
    }

    fn assign(self, uses: &[usize], last: &[usize]) -> Kernel {
        let mut places = vec![NOWHERE; self.instructions.len()];
        for (number, (index, _)) in self.outputs.iter().enumerate() {
            places[*index as usize] = Place::Output(number as u32);
        }
        let (mut free, mut registers) = (Vec::new(), 0u32);
        let mut code = Vec::new();
        for (at, instruction) in self.instructions.iter().enumerate() {
            if uses[at] == 0 {
                continue;
            }
            let mut instruction = instruction.clone();
            // The result's register is taken before arguments are freed: they never coincide.
            if !matches!(places[at], Place::Output(_)) {
                let register = free.pop().unwrap_or_else(|| {
                    registers += 1;
                    registers - 1
                });
                places[at] = Place::Register(register);
            }
            let mut freed: Vec<u32> = Vec::new();
            for arg in &mut instruction.args {
                if let Place::Pending(i) = *arg {
                    *arg = places[i as usize];
                    if let (Place::Register(r), true) = (*arg, last[i as usize] == at)
                        && !freed.contains(&r)
                    {
                        freed.push(r);
                    }
                }
            }
            free.extend(freed);
            instruction.out = places[at];
            code.push(instruction);
        }
        let outputs = self
            .outputs
            .iter()
            .enumerate()
            .map(|(number, (index, elem))| {
                // One value handed out twice is computed into its last place and copied.
                let Place::Output(written) = places[*index as usize] else {
                    return (*elem, None);
                };
                (
                    *elem,
                    (written as usize != number).then_some(written as usize),
                )
            })
            .collect();
        Kernel {
            code,
            registers: registers as usize,
            inputs: self.inputs,
            scalars: self.scalars,
            coins: self.coins,
            outputs,
        }
    }
}
