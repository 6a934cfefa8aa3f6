//! How fast each stage is, in bytes or items per second: `cargo bench --bench stages [FILTER]`.

mod support;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};

use support::stages::{Amount, STAGES, named};

fn main() {
    divan::main();
}

#[divan::bench(args = STAGES.iter().map(|(name, _)| *name))]
fn stage(bencher: Bencher<'_, '_>, name: &str) {
    let stage = named(name);
    match stage.amount {
        Amount::Bytes(bytes) => bencher.counter(BytesCount::new(bytes)).bench_local(&*stage.pass),
        Amount::Items(items) => bencher.counter(ItemsCount::new(items)).bench_local(&*stage.pass),
    }
}
