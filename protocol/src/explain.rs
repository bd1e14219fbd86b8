//! Pages for the codes of this crate: a wrong example, a right one, why.

/// The page of a code, if it is one of this crate's.
pub fn explain(code: &str) -> Option<&'static str> {
    Some(match code {
        "K01" => {
            "K01: no party knows all operands

Wrong, in a scheme where P[i] holds x[i] and x[i+1]:

    z[0] = x[1] * x[2] * x[0];

Right: what one party can compute, masked, and sent to who needs it:

    let r[i] <- R @ {P[i], P[i+1]};
    z[i] = x[i]*y[i] + x[i]*y[i+1] + x[i+1]*y[i] + r[i] - r[i-1];
    P[i] -> P[i-1]: z[i];

An expression is known to the parties that know every operand. If there is none, nobody can
compute it. Sending an operand mends that, but the receiver then knows it: a component that a
party does not hold may be the last one that hid the value.
"
        }
        "K02" => {
            "K02: a party sends what it does not know

Wrong, P[0] does not hold x[2]:

    P[0] -> P[1]: x[2];

Right:

    P[2] -> P[1]: x[2];

A message carries something its sender knows: what it holds, drew, computed or was sent before.
"
        }
        "K03" => {
            "K03: a value is used where not everyone needed knows it

Wrong, c is known to P[0] alone:

    z = x + c;

Right:

    z = x + share(c);

A clear value joins a sharing by being put in one component, and multiplies one by multiplying
every component: all holders of those components must know it. The same goes for an argument
of a protocol whose parameter says `@ {P[0], P[1]}`.
"
        }
        "K04" => {
            "K04: a component or result never reaches who holds it

Wrong, where P[1] and P[2] hold x[2]:

    x[2] = v - x[0] - x[1];
    D -> P[1]: x[2];

Right:

    D -> P[1], P[2]: x[2];

At the end of a protocol every component of a result is known to its holders as the scheme
lists them, and a clear result to those its `@` names.
"
        }
        "K05" => {
            "K05: a component, result or name has no value

Wrong:

    protocol p(x: S<R>) -> z: S<R> { z[0] = x[0]; }

Right:

    protocol p(x: S<R>) -> z: S<R> { z[0] = x[0]; z[1] = x[1]; z[2] = 0; }

Every component of a result is defined, also those that are 0. In `for each P[i]` the first
statement runs for all i before the second: what a statement reads of another i must stand
in a statement before it.
"
        }
        "K06" => {
            "K06: a component or result is defined twice

Wrong:

    z[0] = x[0];
    z[0] = x[0] + r;

Right:

    let u = x[0] + r;
    z[0] = u;

A name in a protocol stands for one value, so that everything said about it stays true. A coin
defines its name too.
"
        }
        "K07" => {
            "K07: share times share where the product is being defined

Wrong:

    protocol mul(x, y: S<R>) -> z: S<R> { z = x * y; }

Right: products of components, each by a party that knows both, see K01.

Elsewhere `x * y` of two shared values calls the scheme's `mul`.
"
        }
        "K08" => {
            "K08: a coin without the parties that know it

Wrong:

    let r <- R;

Right:

    let r <- R @ {P[0], P[1]};

A coin is known to exactly the parties named; they draw it from a common stream, without a
message. Only a functionality, which is an ideal box, draws coins that nobody knows.
"
        }
        "K09" => {
            "K09: a dealer works on the inputs

Wrong, T is a dealer:

    P[0] -> T: x[0];
    T -> P[1]: x[0];

Right: T deals coins, the parties mask with them:

    offline protocol deal_mask() -> r: S<R> … { … T -> P[0]: r[0]; }

A dealer takes part before any input is known. It may send only what is made of coins and
constants.
"
        }
        "P01" => {
            "P01: rings are mixed

Wrong:

    z = x + b;                      // x: S<Z[2^k]>, b: S<Bits[1]>

Right:

    z = x + bit_to_ring<Z[2^k]>(b);

In Z[2^k] + carries, in Bits[m] it is XOR. Clear values convert by `bits(x)` and `b as R`, shared
ones by a protocol.
"
        }
        "P02" => {
            "P02: a protocol marked `bilinear` is not

Wrong:

    protocol p(x, y: S<R>) -> z: S<R> bilinear { z = x + y; }

Right:

    protocol mul(x, y: S<R>) -> z: S<R> bilinear { … x[i]*y[i] … }

One bilinear text serves the element-wise product, the matrix product and convolution. So x
and y have different shapes, they meet in products only, left operand times right operand,
and what follows has the shape of the result.
"
        }
        "P03" => {
            "P03: no protocol fits a call

The arguments are not those of any protocol of this name: their number, their element type,
whether they are shared or clear, or who knows them. The error lists what was given and
points at the protocols considered.

Wrong:

    z = mul(x);

Right:

    z = mul(x, x);
"
        }
        "P04" => {
            "P04: an unknown name

Wrong:

    z = y;                          // no y here

Right:

    let y = x + x;
    z = y;

Names of a protocol are its parameters, its results, what `let` introduces, the parties of the
scheme and the backend's parameters. Protocols are those of the same file and the library's
generic ones.
"
        }
        "P05" => {
            "P05: a value of another kind is needed here

A share where a clear value is meant, a number known only when the protocol runs where an index
is meant, a tuple where one value is meant.

Wrong:

    z = x >> f;                     // x is shared: its components do not shift

Right:

    z = trunc(x, f);
"
        }
        "P06" => {
            "P06: a scheme or backend that cannot be read

Wrong:

    scheme S<R: Ring> { parties P[2]; share x = x[0] + x[1]; P[0] holds x[0]; }

Right:

    scheme S<R: Ring> { parties P[2]; share x = x[0] + x[1]; P[i] holds x[i]; }

A scheme names its parties, one linear `share` equation that gives the value as a sum of
components, and a holder for every component.
"
        }
        "P07" => {
            "P07: a protocol calls itself

Calls are put in place of their text, so a chain of calls must end. Write the recursion as a
`for` over a range, or as `reduce` or `scan` over bits.

Wrong:

    protocol p(x: S<R>) -> z: S<R> { z = p(x); }
"
        }
        "P08" => {
            "P08: a protocol unrolls too far

Families, loops and calls are unrolled to straight-line code, so their number is bounded.

Wrong:

    for i in 0..4000 { for j in 0..4000 { … } }

Right: element-wise operations on the tensor as it is, and `reduce` or `scan` over bits.
"
        }
        "U01" => {
            "U01: not executable yet

The language has this, and the text was read; running it is not done yet. Executable today:
passively secure schemes over Z[2^k] and Bits[m] with one linear `share` equation, dealers,
coins, messages, functionalities realised by protocols. Not yet: fields, keys and MACs,
deferred protocols, `check`, `agree`, `commits`, joint messages, `collect`, extern functionalities.
"
        }
        "N40" => {
            "N40: unknown backend

`using` and `--scheme` name a `backend` of the library or of a scheme file.

Wrong:

    using rep33;

Right:

    using rep3(k: 128);

`smpc schemes` lists them.
"
        }
        "N41" => {
            "N41: a backend's parameter is unknown or lacks a value

Wrong:

    using rep3(n: 4);               // rep3 is for three parties

Right:

    using additive(n: 4);
"
        }
        "N42" => {
            "N42: unknown truncation mode

`exact` is the floor; `one_unit` is off by at most one unit in the last place; `local` costs no
round but fails with a probability that grows with the value.

Right:

    using rep3 with trunc exact;
"
        }
        "N43" => {
            "N43: a backend's parameter is out of range

A family has 1 to 64 computing parties; a ring has 2 to 128 bits.

Wrong:

    using rep3(k: 1000);

Right:

    using rep3(k: 128);
"
        }
        _ => return None,
    })
}
