//! Built-in functions and those of the prelude, over the evaluator's values.

use super::ast::{Base, Bin};
use super::operator::{
    Ring, added, arrays, binary, cast, compared, headroom, mapped, matmul, negated, paired,
    product, quotient, selected, zipped,
};
use super::value::{Array, Cell, Eval, Stop, UNIT, Val, as_fix, joined, stacked, wrong};

/// The sum along the first axis.
///
/// # Errors
/// It passes a limit.
pub fn sum(ring: Ring, leaf: &Array) -> Eval<Array> {
    let rows = leaf.rows()?;
    let Some((first, rest)) = rows.split_first() else {
        return wrong("a sum of nothing");
    };
    if leaf.base == Base::Fix && leaf.secret {
        headroom(leaf.cells.iter().map(|c| c.real.abs()).sum())?;
    }
    rest.iter().try_fold(first.clone(), |total, row| {
        zipped(&total, row, leaf.base, &mut |x, y| {
            added(ring, leaf.base, x, y)
        })
    })
}

fn extreme(ring: Ring, leaf: &Array, largest: bool) -> Eval<Array> {
    let rows = leaf.rows()?;
    let Some((first, rest)) = rows.split_first() else {
        return wrong("the largest of nothing");
    };
    rest.iter()
        .try_fold(first.clone(), |best, row| larger(ring, &best, row, largest))
}

/// The larger or smaller of two, element by element; continuous, so never too close to call.
fn larger(ring: Ring, a: &Array, b: &Array, largest: bool) -> Eval<Array> {
    let (a, b) = paired(a, b)?;
    let secret = a.secret;
    zipped(&a, &b, a.base, &mut |x, y| {
        if a.base == Base::Fix {
            let real = if largest {
                x.real.max(y.real)
            } else {
                x.real.min(y.real)
            };
            let error = x.error.max(y.error);
            return Ok(Cell {
                int: 0,
                real,
                error,
            });
        }
        let first = compared(ring, a.base, secret, x, y)?.is_lt() != largest;
        Ok(if first { x } else { y })
    })
}

/// Where the largest or smallest stands.
fn position(ring: Ring, leaf: &Array, largest: bool) -> Eval<Array> {
    let mut best = 0;
    for i in 1..leaf.cells.len() {
        let order = compared(
            ring,
            leaf.base,
            leaf.secret,
            leaf.cells[best],
            leaf.cells[i],
        )?;
        if if largest {
            order.is_lt()
        } else {
            order.is_gt()
        } {
            best = i;
        }
    }
    Ok(Array {
        base: Base::Int,
        shape: vec![],
        cells: vec![Cell::int(best as i128)],
        secret: leaf.secret,
    })
}

fn sorted(leaf: &Array) -> Eval<Array> {
    let mut cells = leaf.cells.clone();
    match leaf.base {
        Base::Fix => {
            let worst = cells.iter().fold(0f64, |e, c| e.max(c.error));
            cells.sort_by(|a, b| a.real.total_cmp(&b.real));
            cells.iter_mut().for_each(|c| c.error = worst);
        }
        Base::Int => cells.sort_by_key(|c| c.int),
        _ => cells.sort_by_key(|c| c.int as u128),
    }
    Ok(Array {
        cells,
        ..leaf.clone()
    })
}

/// `sort(rows, by: field)`, of different keys only: equal ones may change places.
///
/// # Errors
/// Two keys are equal or too close to call.
pub fn sort_by(rows: &Val, field: &str) -> Eval<Val> {
    let Val::Record(fields) = rows else {
        return wrong("a table is needed");
    };
    let Some((_, keys)) = fields.iter().find(|(n, _)| n == field) else {
        return wrong("no such field");
    };
    let order = key_order(keys.array()?)?;
    rows.map(&mut |leaf| reordered(leaf, &order))
}

fn key_order(keys: &Array) -> Eval<Vec<usize>> {
    let mut order: Vec<usize> = (0..keys.cells.len()).collect();
    let compare = |a: &usize, b: &usize| {
        let (a, b) = (keys.cells[*a], keys.cells[*b]);
        match keys.base {
            Base::Fix => a.real.total_cmp(&b.real),
            Base::Int => a.int.cmp(&b.int),
            _ => (a.int as u128).cmp(&(b.int as u128)),
        }
    };
    order.sort_by(compare);
    for pair in order.windows(2) {
        let (a, b) = (keys.cells[pair[0]], keys.cells[pair[1]]);
        let apart = match keys.base {
            Base::Fix => (a.real - b.real).abs() > (a.error + b.error) * 1.01,
            _ => a.int != b.int,
        };
        if !apart {
            return Err(Stop::Limit("equal keys"));
        }
    }
    Ok(order)
}

fn reordered(leaf: &Array, order: &[usize]) -> Eval<Array> {
    let rows = leaf.rows()?;
    let picked: Option<Vec<&Array>> = order.iter().map(|i| rows.get(*i)).collect();
    match picked {
        Some(picked) => Ok(stacked(&picked)?.into_secret()),
        None => wrong("a column of another length"),
    }
}

// ---- functions

/// A built-in function, or one of the prelude.
///
/// # Errors
/// It passes a limit.
pub fn call(ring: Ring, name: &str, args: &[Val], named: Option<(&String, Val)>) -> Eval<Val> {
    if let Some((key, axis)) = named {
        if key != "axis" {
            return wrong("no such parameter");
        }
        let leaf = args[0].array()?;
        let along = axis.array()?.only()?.int;
        return match (leaf.shape.len(), along) {
            (1, 0) => call(ring, name, args, None),
            (2, _) => {
                let lines = if along == 1 {
                    leaf.rows()?
                } else {
                    leaf.transposed()?.rows()?
                };
                let results = lines
                    .into_iter()
                    .map(|line| call(ring, name, &[Val::Array(line)], None))
                    .collect::<Eval<Vec<_>>>()?;
                Val::zip(&results, &mut stacked)
            }
            _ => wrong("an axis of a vector or matrix"),
        };
    }
    let leaf = |at: usize| match args.get(at) {
        Some(val) => val.array(),
        None => wrong(format!("{name} lacks an argument")),
    };
    let number = |at: usize| Ok::<i128, Stop>(leaf(at)?.only()?.int);
    let zero = Val::Array(Array::scalar(Base::Int, Cell::int(0)));
    Ok(Val::Array(match (name, args.len()) {
        ("sum", _) => return args[0].map(&mut |l| sum(ring, l)),
        ("dot", _) => matmul(ring, leaf(0)?, leaf(1)?)?,
        ("concat", _) => return Val::zip(args, &mut |parts| joined(parts, true)),
        ("max" | "min", 2) => {
            let (a, b) = (leaf(0)?, leaf(1)?);
            larger(ring, a, b, name == "max")?
        }
        ("max" | "min", _) => extreme(ring, leaf(0)?, name == "max")?,
        ("argmax" | "argmin", _) => position(ring, leaf(0)?, name == "argmax")?,
        ("abs", _) => {
            let x = leaf(0)?;
            let minus = negated(ring, &args[0])?;
            larger(ring, x, minus.array()?, true)?
        }
        ("sign", _) => {
            let above = binary(ring, Bin::Gt, &args[0], &zero)?;
            let below = binary(ring, Bin::Lt, &args[0], &zero)?;
            let (above, below) = (above.array()?.clone(), below.array()?.clone());
            zipped(&above, &below, Base::Int, &mut |a, b| {
                Ok(Cell::int(a.int - b.int))
            })?
        }
        ("clamp", _) => {
            let low = larger(ring, leaf(0)?, leaf(1)?, true)?;
            larger(ring, &low, leaf(2)?, false)?
        }
        ("select", _) => return selected(&args[0], &args[1], &args[2]),
        ("any" | "all", _) => {
            let op = if name == "any" { Bin::Or } else { Bin::And };
            let rows = leaf(0)?.rows()?;
            let Some((first, rest)) = rows.split_first() else {
                return wrong("whether any or all of nothing");
            };
            let mut whole = Val::Array(first.clone());
            for row in rest {
                whole = binary(ring, op, &whole, &Val::Array(row.clone()))?;
            }
            return Ok(whole);
        }
        ("count", _) => {
            let ints = cast(ring, &args[0], Base::Int)?;
            sum(ring, ints.array()?)?
        }
        ("mean", _) => {
            let x = as_fix(leaf(0)?)?;
            let n = x.shape[0] as i128;
            let n = Array::scalar(Base::Int, Cell::int(n));
            quotient(&sum(ring, &x)?, &n)?
        }
        ("variance", _) => {
            let x = as_fix(leaf(0)?)?;
            let n = Array::scalar(Base::Int, Cell::int(x.shape[0] as i128));
            let mean = quotient(&sum(ring, &x)?, &n)?;
            let off = arrays(ring, Bin::Sub, &x, &mean)?;
            let squares = product(ring, &off, &off)?;
            let mut mean = quotient(&sum(ring, &squares)?, &n)?;
            // what the library states of the whole function
            (mean.cells.iter_mut()).for_each(|c| c.error += c.real * 2f64.powi(-13) + 2.0 * UNIT);
            mean
        }
        ("poly", _) => {
            let (t, cs) = (leaf(0)?, as_fix(leaf(1)?)?);
            let terms = cs.rows()?;
            let mut total = terms[0].clone();
            let mut powers: Option<Array> = None;
            // the factors enter one dot product, so all of them with the bits below the largest
            let factors = terms[1..].iter().flat_map(|c| &c.cells);
            let largest = factors.fold(0.0, |m: f64, c| m.max(c.real.abs()));
            for c in &terms[1..] {
                let next = match powers {
                    None => as_fix(t)?,
                    Some(before) => product(ring, &before, t)?,
                };
                let mut term = product(ring, c, &next)?;
                for (c, power) in term.cells.iter_mut().zip(&next.cells) {
                    c.error = c.error * 4.0 + largest * power.real.abs() * 2f64.powi(-28);
                }
                total = arrays(ring, Bin::Add, &total, &term)?;
                powers = Some(next);
            }
            total
        }
        ("recip", _) => {
            let one = Array::scalar(Base::Fix, Cell::real(1.0, 0.0)?);
            quotient(&one, leaf(0)?)?
        }
        ("sqrt" | "exp" | "ln", _) => function(name, leaf(0)?)?,
        ("iota", _) => {
            let n = number(0)?;
            let cells: Vec<Cell> = (0..n).map(Cell::int).collect();
            Array {
                base: Base::Int,
                shape: vec![cells.len()],
                cells,
                secret: false,
            }
        }
        ("full", _) => {
            let copies = vec![leaf(1)?; usize::try_from(number(0)?).unwrap_or(0)];
            stacked(&copies)?
        }
        ("one_hot", _) => {
            let n = number(1)?;
            let i = leaf(0)?;
            let at = i.only()?.int;
            Array {
                base: Base::Int,
                shape: vec![n as usize],
                cells: (0..n).map(|j| Cell::int(i128::from(j == at))).collect(),
                secret: i.secret,
            }
        }
        ("zeros" | "ones", _) => {
            let shape = (0..args.len())
                .map(|at| Ok(number(at)? as usize))
                .collect::<Eval<Vec<_>>>()?;
            let n = shape.iter().product();
            Array {
                base: Base::Int,
                shape,
                cells: vec![Cell::int(i128::from(name == "ones")); n],
                secret: false,
            }
        }
        ("len", _) => {
            let n = args[0]
                .leaves()
                .first()
                .map_or(0, |l| l.shape.first().copied().unwrap_or(1));
            Array::scalar(Base::Int, Cell::int(n as i128))
        }
        ("reshape", _) => {
            let shape = (1..args.len())
                .map(|at| Ok(number(at)? as usize))
                .collect::<Eval<Vec<_>>>()?;
            if shape.iter().product::<usize>() != leaf(0)?.cells.len() {
                return wrong("a shape of another size");
            }
            Array {
                shape,
                ..leaf(0)?.clone()
            }
        }
        ("transpose", _) => leaf(0)?.transposed()?,
        ("scatter", _) => {
            let (x, p, v) = (leaf(0)?, leaf(1)?, leaf(2)?);
            let (x, v) = paired(x, v)?;
            let mut rows = x.rows()?;
            for (at, row) in p.cells.iter().zip(v.rows()?) {
                let Some(old) = usize::try_from(at.int).ok().and_then(|i| rows.get_mut(i)) else {
                    return Err(Stop::Limit("an index out of range"));
                };
                *old = row;
            }
            stacked(&rows.iter().collect::<Vec<_>>())?
        }
        ("unpack", _) => {
            let x = leaf(0)?;
            let width = x.base.width().unwrap_or(0);
            let bits = |c: &Cell| {
                let c = *c;
                (0..width).map(move |j| Cell::int(c.int as u128 as i128 >> j & 1))
            };
            let mut shape = x.shape.clone();
            shape.push(width.into());
            Array {
                base: Base::Bool,
                shape,
                cells: x.cells.iter().flat_map(bits).collect(),
                secret: x.secret,
            }
        }
        ("pack", _) => {
            let x = leaf(0)?;
            let mut shape = x.shape.clone();
            let width = shape.pop().unwrap_or(1);
            let word = |bits: &[Cell]| {
                let whole = bits.iter().rev().fold(0, |w, b| w << 1 | b.int);
                Cell::int(whole)
            };
            Array {
                base: if width == 1 {
                    Base::Bool
                } else {
                    Base::Bits(width as u8)
                },
                shape,
                cells: x.cells.chunks(width).map(word).collect(),
                secret: x.secret,
            }
        }
        ("raw", _) => {
            let x = as_fix(leaf(0)?)?;
            mapped(&x, Base::Int, &mut |c| {
                if c.error > 0.0 {
                    return Err(Stop::Limit("the raw integer of an inexact value"));
                }
                Ok(Cell::int((c.real * 65536.0).round() as i128))
            })?
        }
        ("from_raw", _) => mapped(leaf(0)?, Base::Fix, &mut |c| {
            if c.int.unsigned_abs() >= 1 << 44 {
                return Err(Stop::Limit("a raw integer beyond 2^44"));
            }
            Cell::real(c.int as f64 / 65536.0, 0.0)
        })?,
        ("floor", _) => return cast(ring, &args[0], Base::Int),
        ("xor", _) => {
            let (a, b) = (leaf(0)?, leaf(1)?);
            zipped(a, b, a.base, &mut |x, y| Ok(Cell::int(x.int ^ y.int)))?
        }
        ("log2_ceil", _) => {
            let n = number(0)?;
            let bits = i128::from(128 - (n - 1).leading_zeros());
            Array::scalar(Base::Int, Cell::int(bits))
        }
        ("sort", _) => sorted(leaf(0)?)?,
        ("sort_by", _) => {
            let order = key_order(leaf(0)?)?;
            let secret = args.iter().any(Val::is_secret);
            let parts = args.iter().map(|val| {
                val.map(&mut |l| {
                    let mut l = reordered(l, &order)?;
                    l.secret = secret;
                    Ok(l)
                })
            });
            return Ok(Val::Tuple(parts.collect::<Eval<_>>()?));
        }
        // The order is nobody's to know, and what is computed from it here must not depend on it.
        ("shuffle", 1) => return args[0].clone().into_secret(),
        ("shuffle", _) => return Val::Tuple(args.to_vec()).into_secret(),
        _ => return wrong(format!("no function {name}")),
    }))
}

/// Elementary functions, with the errors the language reference states.
fn function(name: &str, x: &Array) -> Eval<Array> {
    let x = as_fix(x)?;
    mapped(&x, Base::Fix, &mut |c| {
        let (t, e) = (c.real, c.error);
        let low = t - e;
        let (real, carried, fresh) = match name {
            "sqrt" if low > 2f64.powi(-8) => {
                let r = t.sqrt();
                (r, e / r, r * 2f64.powi(-15) + 2.0 * UNIT)
            }
            "exp" if t < 10.0 => {
                let r = t.exp();
                (r, 1.1 * r * e, r * 2f64.powi(-14) + 3.0 * UNIT)
            }
            "ln" if low > 2f64.powi(-8) => (t.ln(), 1.1 * e / low, 2f64.powi(-13) + 2.0 * UNIT),
            _ => return Err(Stop::Limit("an elementary function outside its domain")),
        };
        headroom(t)?;
        headroom(real)?;
        Cell::real(real, carried + if x.secret { fresh } else { 1e-12 })
    })
}
