/** A lock that a process holds by a file beside what is locked, and that ends with the process. */
import { linkSync, readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from "node:fs";

/** Takes the lock, or throws `Error` if a living process has it. Gives what lets it go. */
export function lock(path: string): () => void {
  const mine = identity(process.pid);
  const draft = `${path}.${String(process.pid)}`;
  writeFileSync(draft, mine);
  try {
    for (let attempt = 0; ; attempt++) {
      try {
        make(path, draft, mine);
        break;
      } catch (error) {
        if (attempt > 1 || isHeld(path) || !takeAway(path, `${draft}.old`)) {
          throw new Error(`another client uses the queue file ${path.replace(/\.lock$/, "")}`, {
            cause: error,
          });
        }
      }
    }
  } finally {
    rmSync(draft, { force: true });
  }
  return () => {
    rmSync(path, { force: true });
  };
}

/** Makes the lock with all that is in it at once, where the file system can. */
function make(path: string, draft: string, mine: string): void {
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") {
      throw error;
    }
    writeFileSync(path, mine, { flag: "wx" });
  }
}

/** Takes away the lock of a dead process; not one that somebody else has made in its place. */
function takeAway(path: string, aside: string): boolean {
  renameSync(path, aside);
  try {
    if (isHeld(aside)) {
      linkSync(aside, path);
      return false;
    }
    return true;
  } finally {
    rmSync(aside, { force: true });
  }
}

function isHeld(path: string): boolean {
  try {
    const holder = readFileSync(path, "utf8");
    const [pid = ""] = holder.split(" ");
    return holder !== "" && identity(Number(pid)) === holder;
  } catch {
    return false;
  }
}

/** Names a process so that no later one, and none of another machine or container, has its name. */
function identity(pid: number): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    // After the name, which may hold anything but ends with the last bracket.
    const stat =
      readFileSync(`/proc/${String(pid)}/stat`, "utf8")
        .split(") ")
        .at(-1) ?? "";
    const { 0: state, 19: start = "" } = stat.split(" ");
    const isDead = state === "Z" || state === "X";
    return isDead ? "" : `${String(pid)} ${boot} ${readlinkSync("/proc/self/ns/pid")} ${start}`;
  } catch {
    // Not Linux, or no such process.
  }
  try {
    process.kill(pid, 0);
    return String(pid);
  } catch {
    return "";
  }
}
