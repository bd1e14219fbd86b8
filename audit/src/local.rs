//! Local operations over the shadow's arrays.

use crate::array::{Array, Data, concat, strides};
use smpc_ir::local::{Local, Prim};
use smpc_ir::share::Type;

/// One operation. `None` where the shadow cannot follow: an index out of range, or arithmetic
/// beyond 127 bits.
pub(crate) fn apply(
    op: &Local,
    args: &[&Array],
    ty: Type,
    shape: &[usize],
    size: &dyn Fn(&smpc_ir::Size) -> Option<i128>,
) -> Option<Array> {
    let total: usize = shape.iter().product();
    let shuffled = args.iter().any(|a| a.shuffled);
    let real = |data: &Data| matches!(data, Data::Real(_));
    let rounded = args.iter().any(|a| real(&a.data));
    let inexact = args.iter().any(|a| a.inexact);
    let mut result = match op {
        Local::Constant(c) => literal(ty, shape, &vec![*c; total]),
        Local::Data(values) => literal(ty, shape, values),
        Local::Size(s) => Array::new(vec![], Data::Int(vec![size(s)?])),
        Local::Iota => Array::new(shape.to_vec(), Data::Int((0..total as i128).collect())),
        Local::Prim(prim) => Array::new(shape.to_vec(), elementwise(*prim, args, ty, shape)?),
        Local::MatMul => matrix_product(args[0], args[1], shape)?,
        Local::Reshape => args[0].reshaped(shape.to_vec()),
        Local::Broadcast => args[0].broadcast(shape),
        Local::Transpose { axes } => {
            let steps = strides(&args[0].shape);
            let full = strides(shape);
            let positions: Vec<usize> = (0..total)
                .map(|at| {
                    axes.iter()
                        .enumerate()
                        .map(|(i, a)| at / full[i] % shape[i] * steps[usize::from(*a)])
                        .sum()
                })
                .collect();
            args[0].pick(shape.to_vec(), &positions)
        }
        Local::Slice { axis, start, .. } => {
            let axis = usize::from(*axis);
            let start = usize::try_from(size(start)?).ok()?;
            let steps = strides(&args[0].shape);
            let full = strides(shape);
            if start + shape[axis] > args[0].shape[axis] {
                return None;
            }
            let positions: Vec<usize> = (0..total)
                .map(|at| {
                    (0..shape.len())
                        .map(|i| {
                            let offset = if i == axis { start } else { 0 };
                            (at / full[i] % shape[i] + offset) * steps[i]
                        })
                        .sum()
                })
                .collect();
            args[0].pick(shape.to_vec(), &positions)
        }
        Local::Concat { axis } => concat(args, usize::from(*axis))?,
        Local::Gather => {
            let row: usize = args[0].shape[1..].iter().product();
            let mut positions = Vec::with_capacity(total);
            for i in args[1].ints() {
                let i = usize::try_from(i).ok().filter(|i| *i < args[0].shape[0])?;
                positions.extend(i * row..(i + 1) * row);
            }
            args[0].pick(shape.to_vec(), &positions)
        }
        Local::Scatter => {
            let row: usize = args[0].shape[1..].iter().product();
            let both = concat(&[args[0], args[1]], 0)?;
            let mut positions: Vec<usize> = (0..args[0].len()).collect();
            for (k, i) in args[2].ints().into_iter().enumerate() {
                let i = usize::try_from(i).ok().filter(|i| *i < args[0].shape[0])?;
                for j in 0..row {
                    positions[i * row + j] = args[0].len() + k * row + j;
                }
            }
            both.pick(shape.to_vec(), &positions)
        }
        Local::InversePermutation => {
            let mut inverse = vec![0; total];
            for (k, i) in args[0].ints().into_iter().enumerate() {
                *inverse.get_mut(usize::try_from(i).ok()?)? = k as i128;
            }
            Array::new(shape.to_vec(), Data::Int(inverse))
        }
        // Of party programs alone.
        Local::Digest | Local::Expand => return None,
        Local::Sum { axis } => sum(args[0], usize::from(*axis), shape)?,
        Local::Unpack => {
            let Data::Bits(m, v) = &args[0].data else {
                return None;
            };
            let bits = v
                .iter()
                .flat_map(|x| (0..*m).map(move |j| x >> j & 1))
                .collect();
            Array::new(shape.to_vec(), Data::Bits(1, bits))
        }
        Local::Pack => {
            let Data::Bits(_, v) = &args[0].data else {
                return None;
            };
            let m = *args[0].shape.last()?;
            let words = v
                .chunks(m.max(1))
                .map(|bits| bits.iter().enumerate().fold(0, |w, (j, b)| w | b << j))
                .collect();
            Array::new(shape.to_vec(), Data::Bits(u8::try_from(m).ok()?, words))
        }
    };
    result.shuffled = shuffled;
    result.inexact = inexact || rounded && !real(&result.data);
    Some(result)
}

fn literal(ty: Type, shape: &[usize], values: &[i128]) -> Array {
    let data = match ty {
        Type::Int => Data::Int(values.to_vec()),
        Type::Fix(_) => Data::Real(values.iter().map(|v| *v as f64 / 2f64.powi(64)).collect()),
        Type::Bits(m) => Data::Bits(m, values.iter().map(|v| *v as u128 & mask(m)).collect()),
    };
    Array::new(shape.to_vec(), data)
}

pub(crate) fn mask(m: u8) -> u128 {
    if m >= 128 { u128::MAX } else { (1 << m) - 1 }
}

fn elementwise(prim: Prim, args: &[&Array], ty: Type, shape: &[usize]) -> Option<Data> {
    let args: Vec<Array> = args.iter().map(|a| a.broadcast(shape)).collect();
    let real = |i: usize| args[i].reals();
    let int = |i: usize| args[i].ints();
    let bits = |i: usize| -> Option<(u8, &Vec<u128>)> {
        match &args[i].data {
            Data::Bits(m, v) => Some((*m, v)),
            _ => None,
        }
    };
    let zip_real = |f: fn(f64, f64) -> f64| {
        Data::Real(
            real(0)
                .into_iter()
                .zip(real(1))
                .map(|(a, b)| f(a, b))
                .collect(),
        )
    };
    let zip_int = |f: fn(i128, i128) -> Option<i128>| {
        int(0)
            .into_iter()
            .zip(int(1))
            .map(|(a, b)| f(a, b))
            .collect::<Option<Vec<_>>>()
            .map(Data::Int)
    };
    let truth = |v: Vec<bool>| Data::Bits(1, v.into_iter().map(u128::from).collect());
    if let Type::Bits(m) = ty {
        let both = |f: &dyn Fn(u128, u128) -> u128| -> Option<Data> {
            let (a, b) = (bits(0)?.1, bits(1)?.1);
            Some(Data::Bits(
                m,
                a.iter().zip(b).map(|(a, b)| f(*a, *b) & mask(m)).collect(),
            ))
        };
        let shift = |f: &dyn Fn(u128, u32) -> u128| -> Option<Data> {
            let a = bits(0)?.1;
            let by = int(1);
            let moved = a.iter().zip(by).map(|(a, s)| {
                let s = u32::try_from(s).ok()?;
                Some(f(*a, s) & mask(m))
            });
            moved.collect::<Option<_>>().map(|v| Data::Bits(m, v))
        };
        match prim {
            Prim::Add | Prim::Sub => return both(&|a, b| a ^ b),
            Prim::Mul => return both(&|a, b| a & b),
            Prim::Neg => return Some(args[0].data.clone()),
            Prim::Not => {
                return Some(Data::Bits(
                    m,
                    bits(0)?.1.iter().map(|a| !a & mask(m)).collect(),
                ));
            }
            Prim::Shl => return shift(&|a, s| a.checked_shl(s).unwrap_or(0)),
            Prim::ShrLogical => return shift(&|a, s| a.checked_shr(s).unwrap_or(0)),
            Prim::BitSlice { start, step } => {
                let (_, a) = bits(0)?;
                let cut = |x: &u128| {
                    (0..m).fold(0u128, |r, j| {
                        let at = i32::from(start) + i32::from(j) * i32::from(step);
                        r | u32::try_from(at)
                            .ok()
                            .and_then(|at| x.checked_shr(at))
                            .map_or(0, |b| (b & 1) << j)
                    })
                };
                return Some(Data::Bits(m, a.iter().map(cut).collect()));
            }
            Prim::Cast => {
                return Some(Data::Bits(
                    m,
                    int(0).iter().map(|v| *v as u128 & mask(m)).collect(),
                ));
            }
            _ => {}
        }
    }
    Some(match prim {
        Prim::Select => {
            let (_, c) = bits(0)?;
            let from = concat(
                &[
                    &args[1].reshaped(vec![c.len()]),
                    &args[2].reshaped(vec![c.len()]),
                ],
                0,
            )?;
            let positions: Vec<usize> = c
                .iter()
                .enumerate()
                .map(|(i, c)| if *c == 1 { i } else { args[1].len() + i })
                .collect();
            from.pick(shape.to_vec(), &positions).data
        }
        Prim::Eq => match (&args[0].data, &args[1].data) {
            (Data::Bits(_, a), Data::Bits(_, b)) => {
                truth(a.iter().zip(b).map(|(a, b)| a == b).collect())
            }
            (Data::Int(a), Data::Int(b)) => truth(a.iter().zip(b).map(|(a, b)| a == b).collect()),
            _ => truth(real(0).iter().zip(real(1)).map(|(a, b)| *a == b).collect()),
        },
        Prim::Lt => match (&args[0].data, &args[1].data) {
            (Data::Bits(_, a), Data::Bits(_, b)) => {
                truth(a.iter().zip(b).map(|(a, b)| a < b).collect())
            }
            (Data::Int(a), Data::Int(b)) => truth(a.iter().zip(b).map(|(a, b)| a < b).collect()),
            _ => truth(real(0).iter().zip(real(1)).map(|(a, b)| *a < b).collect()),
        },
        _ if ty == Type::Int => match prim {
            Prim::Add => zip_int(i128::checked_add)?,
            Prim::Sub => zip_int(i128::checked_sub)?,
            Prim::Mul => zip_int(i128::checked_mul)?,
            Prim::Div => zip_int(|a, b| {
                let (q, r) = (a.checked_div(b)?, a.checked_rem(b)?);
                Some(if r != 0 && (r < 0) != (b < 0) {
                    q - 1
                } else {
                    q
                })
            })?,
            Prim::Rem => zip_int(|a, b| {
                let r = a.checked_rem(b)?;
                Some(if r != 0 && (r < 0) != (b < 0) {
                    r + b
                } else {
                    r
                })
            })?,
            Prim::Neg => Data::Int(int(0).into_iter().map(|a| -a).collect()),
            Prim::Not => Data::Int(int(0).into_iter().map(|a| !a).collect()),
            Prim::Shl => zip_int(|a, s| a.checked_mul(1i128.checked_shl(u32::try_from(s).ok()?)?))?,
            Prim::Shr => zip_int(|a, s| Some(a >> s.clamp(0, 127)))?,
            Prim::Cast => Data::Int(int(0)),
            _ => return None,
        },
        Prim::Add => zip_real(|a, b| a + b),
        Prim::Sub => zip_real(|a, b| a - b),
        Prim::Mul => zip_real(|a, b| a * b),
        Prim::Div => zip_real(|a, b| a / b),
        Prim::Neg => Data::Real(real(0).into_iter().map(|a| -a).collect()),
        Prim::Sqrt => Data::Real(real(0).into_iter().map(f64::sqrt).collect()),
        Prim::Exp => Data::Real(real(0).into_iter().map(f64::exp).collect()),
        Prim::Ln => Data::Real(real(0).into_iter().map(f64::ln).collect()),
        Prim::Cast => Data::Real(real(0)),
        _ => return None,
    })
}

fn matrix_product(a: &Array, b: &Array, shape: &[usize]) -> Option<Array> {
    let rank = a.shape.len();
    let (n, k, m) = (a.shape[rank - 2], a.shape[rank - 1], b.shape[rank - 1]);
    let batch: usize = a.shape[..rank - 2].iter().product();
    if let (Data::Int(x), Data::Int(y)) = (&a.data, &b.data) {
        let mut out = vec![0i128; batch * n * m];
        for g in 0..batch {
            for i in 0..n {
                for l in 0..k {
                    for j in 0..m {
                        let term = x[(g * n + i) * k + l].checked_mul(y[(g * k + l) * m + j])?;
                        let cell = &mut out[(g * n + i) * m + j];
                        *cell = cell.checked_add(term)?;
                    }
                }
            }
        }
        return Some(Array::new(shape.to_vec(), Data::Int(out)));
    }
    let (x, y) = (a.reals(), b.reals());
    let mut out = vec![0f64; batch * n * m];
    for g in 0..batch {
        for i in 0..n {
            for l in 0..k {
                let factor = x[(g * n + i) * k + l];
                for j in 0..m {
                    out[(g * n + i) * m + j] += factor * y[(g * k + l) * m + j];
                }
            }
        }
    }
    Some(Array::new(shape.to_vec(), Data::Real(out)))
}

fn sum(a: &Array, axis: usize, shape: &[usize]) -> Option<Array> {
    let inner: usize = a.shape[axis + 1..].iter().product();
    let n = a.shape[axis];
    let total: usize = shape.iter().product();
    let cells = |at: usize| {
        let (o, i) = (at / inner.max(1), at % inner.max(1));
        (0..n).map(move |l| (o * n + l) * inner + i)
    };
    let data = match &a.data {
        Data::Real(v) => Data::Real((0..total).map(|at| cells(at).map(|p| v[p]).sum()).collect()),
        Data::Int(v) => Data::Int(
            (0..total)
                .map(|at| cells(at).try_fold(0i128, |s, p| s.checked_add(v[p])))
                .collect::<Option<_>>()?,
        ),
        Data::Bits(m, v) => Data::Bits(
            *m,
            (0..total)
                .map(|at| cells(at).fold(0, |s, p| s ^ v[p]))
                .collect(),
        ),
    };
    Some(Array::new(shape.to_vec(), data))
}
