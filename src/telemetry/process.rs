//! What the system knows of this process. Where it does not say, there is no sample.

use std::fs;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

use super::table::{PROCESS_CPU, PROCESS_FDS, PROCESS_FDS_MAX, PROCESS_RESIDENT, PROCESS_START};

const KIBIBYTE: f64 = 1_024.0;

/// Notes when the process started; the first call counts.
pub fn started() {
    static START: OnceLock<()> = OnceLock::new();
    START.get_or_init(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        PROCESS_START.set(now.as_secs_f64());
    });
}

/// Sets what is read anew each time.
pub fn refresh() {
    started();
    let used = clock_gettime(ClockId::ProcessCPUTime).tv_sec;
    PROCESS_CPU.set(u64::try_from(used).unwrap_or_default());
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    PROCESS_RESIDENT.set(field(&status, "VmRSS:").map(|kib| kib * KIBIBYTE));
    // Reading the folder is one more.
    let open = fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count().saturating_sub(1));
    PROCESS_FDS.set(open.map(|count| count as f64));
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    PROCESS_FDS_MAX.set(field(&limits, "Max open files"));
}

/// A number in the line that begins so.
fn field(text: &str, name: &str) -> Option<f64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found_in_their_lines() {
        let text =
            "VmPeak:\t  10 kB\nVmRSS:\t  2048 kB\nMax open files            1024       9 files";
        assert_eq!(field(text, "VmRSS:"), Some(2_048.0));
        assert_eq!(field(text, "Max open files"), Some(1_024.0));
        assert_eq!(field(text, "VmSwap:"), None);
    }
}
