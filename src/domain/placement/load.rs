//! How busy a host is.

use serde::{Deserialize, Serialize};

/// What a host told of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Processes that want to run, as `uptime` has it for the last minute, in
    /// hundredths.
    pub running: u64,
    /// Processors, at least 1.
    pub cpus: u64,
    /// KiB of memory.
    pub memory: u64,
    /// KiB of memory that programs could still get.
    pub available: u64,
    /// Its GPUs, where `nvidia-smi` is.
    pub gpus: Vec<Gpu>,
}

/// A GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gpu {
    /// Per cent of the time that it works.
    pub busy: u64,
    /// MiB in use.
    pub used: u64,
    /// MiB in all.
    pub memory: u64,
}

impl Load {
    /// What is in the lines of the runner's `load.sh`; `None` where they do not
    /// tell how many processes want to run.
    #[must_use]
    pub fn parse<'a>(lines: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut load = Self { cpus: 1, ..Self::default() };
        let mut told = false;
        for line in lines {
            let mut words = line.split([' ', ',']).filter(|word| !word.is_empty());
            let key = words.next();
            let mut number = || words.next().and_then(|word| word.parse::<u64>().ok());
            match key {
                Some("load") => {
                    if let Some(running) = line.strip_prefix("load ").and_then(hundredths) {
                        (load.running, told) = (running, true);
                    }
                }
                Some("cpus") => load.cpus = number().unwrap_or(1).max(1),
                Some("memory") => {
                    if let (Some(memory), Some(available)) = (number(), number()) {
                        (load.memory, load.available) = (memory, available.min(memory));
                    }
                }
                Some("gpu") => {
                    if let (Some(busy), Some(used), Some(memory)) = (number(), number(), number()) {
                        load.gpus.push(Gpu { busy: busy.min(100), used, memory });
                    }
                }
                _ => {}
            }
        }
        told.then_some(load)
    }

    /// How busy it is, in per mille: of its processors, its memory and its least
    /// busy GPU, the one that is shortest. Each of `placed` sessions, which are
    /// too young to be in it, counts as a processor.
    #[must_use]
    pub fn per_mille(&self, placed: u64) -> u64 {
        let running = self.running.saturating_add(placed.saturating_mul(100));
        let cpu = running.saturating_mul(10) / self.cpus.max(1);
        let memory = share(self.memory.saturating_sub(self.available), self.memory);
        let gpu = |gpu: &Gpu| (gpu.busy * 10).max(share(gpu.used, gpu.memory));
        let gpus = self.gpus.iter().map(gpu).min().unwrap_or_default();
        cpu.max(memory).max(gpus)
    }
}

fn share(used: u64, of: u64) -> u64 {
    used.saturating_mul(1000).checked_div(of).unwrap_or_default()
}

/// `1.25` is 125.
fn hundredths(text: &str) -> Option<u64> {
    let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let part = format!("{part:0<2}");
    let whole: u64 = whole.parse().ok()?;
    whole.checked_mul(100)?.checked_add(part.get(..2)?.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_a_host_tells() {
        let told = ["load 1.25", "cpus 8", "memory 1000 250", "gpu 10, 300, 1000", "gpu 90, 0, 1"];
        let load = Load::parse(told).expect("a load");
        assert_eq!((load.running, load.cpus, load.memory, load.available), (125, 8, 1000, 250));
        assert_eq!(load.gpus[0], Gpu { busy: 10, used: 300, memory: 1000 });
        assert_eq!(load.gpus.len(), 2);
        assert_eq!(Load::parse(["cpus 8"]), None);
        assert_eq!(Load::parse(["load 2"]).map(|load| (load.running, load.cpus)), Some((200, 1)));
        assert_eq!(
            Load::parse(["load 0.5", "gpu [N/A], 1, 2"]).map(|load| load.gpus),
            Some(vec![])
        );
    }

    #[test]
    fn the_shortest_of_what_it_has_counts() {
        let load = |running, available, gpus: &[(u64, u64)]| Load {
            running,
            cpus: 4,
            memory: 1000,
            available,
            gpus: gpus
                .iter()
                .map(|(busy, used)| Gpu { busy: *busy, used: *used, memory: 100 })
                .collect(),
        };
        for (load, placed, expected) in [
            (load(200, 1000, &[]), 0, 500),
            (load(200, 1000, &[]), 1, 750),
            (load(0, 100, &[]), 0, 900),
            // The other GPU is free.
            (load(0, 1000, &[(100, 100), (20, 5)]), 0, 200),
            (load(0, 1000, &[(0, 70)]), 0, 700),
        ] {
            assert_eq!(load.per_mille(placed), expected, "{load:?}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_is_too_odd(lines in prop::collection::vec("[a-z]{0,6}[ 0-9.,x-]{0,12}", 0..6)) {
            if let Some(load) = Load::parse(lines.iter().map(String::as_str)) {
                prop_assert!(load.per_mille(u64::MAX) >= load.per_mille(0));
            }
        }
    }
}
