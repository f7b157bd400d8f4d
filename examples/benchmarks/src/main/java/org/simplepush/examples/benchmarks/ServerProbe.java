package org.simplepush.examples.benchmarks;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Asks Linux and the JVM what the server's process uses. What cannot be known is NaN: without a
 * process id, on another system, of a server that is no JVM.
 */
final class ServerProbe {
  /** What /proc counts CPU time in; the same on every Linux. */
  private static final double TICKS_PER_SECOND = 100;

  private static final Pattern RSS = Pattern.compile("(?m)^VmRSS:\\s*(\\d+) kB");
  private static final Pattern THREADS = Pattern.compile("(?m)^Threads:\\s*(\\d+)");
  private static final Pattern USED = Pattern.compile("\\bused (\\d+)([KMG])");

  private final long pid;

  /** Of a process; 0 is none. */
  ServerProbe(long pid) {
    this.pid = pid;
  }

  /** Returns the CPU time used so far, user and system, in seconds; to a hundredth. */
  double cpuSeconds() {
    return cpuSeconds(pid);
  }

  /** Returns the same of this program. */
  static double ownCpuSeconds() {
    return cpuSeconds(ProcessHandle.current().pid());
  }

  private static double cpuSeconds(long pid) {
    String stat = read(pid, "stat");
    int name = stat.lastIndexOf(')'); // the name before may hold spaces
    if (name < 0) {
      return Double.NaN;
    }
    List<String> fields = List.of(stat.substring(name + 2).split(" "));
    return (Long.parseLong(fields.get(11)) + Long.parseLong(fields.get(12))) / TICKS_PER_SECOND;
  }

  /** Returns the resident set in bytes. */
  double rss() {
    Matcher rss = RSS.matcher(read(pid, "status"));
    return rss.find() ? Double.parseDouble(rss.group(1)) * 1024 : Double.NaN;
  }

  /** Returns how many threads it has. */
  double threads() {
    Matcher threads = THREADS.matcher(read(pid, "status"));
    return threads.find() ? Double.parseDouble(threads.group(1)) : Double.NaN;
  }

  /** Returns how many descriptors it has open. */
  double descriptors() {
    try (Stream<Path> open = Files.list(Path.of("/proc", Long.toString(pid), "fd"))) {
      return open.count();
    } catch (IOException e) {
      return Double.NaN; // gone, or not Linux: not known
    }
  }

  private static String read(long pid, String file) {
    if (pid == 0) {
      return "";
    }
    try {
      return Files.readString(Path.of("/proc", Long.toString(pid), file));
    } catch (IOException e) {
      return ""; // gone, or not Linux: not known
    }
  }

  /** Has the server's JVM collect its garbage, and returns the bytes of the heap in use then. */
  double liveHeap() throws InterruptedException {
    if (pid == 0 || jcmd("GC.run").isEmpty()) {
      return Double.NaN;
    }
    double used = 0;
    for (String line : jcmd("GC.heap_info").lines().toList()) {
      Matcher matcher = USED.matcher(line);
      if (line.contains("Metaspace") || line.contains("class space") || !matcher.find()) {
        continue;
      }
      double unit =
          switch (matcher.group(2)) {
            case "K" -> 1 << 10;
            case "M" -> 1 << 20;
            default -> 1 << 30;
          };
      used += Double.parseDouble(matcher.group(1)) * unit;
    }
    return used == 0 ? Double.NaN : used;
  }

  private String jcmd(String command) throws InterruptedException {
    String jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd").toString();
    try {
      Process process =
          new ProcessBuilder(jcmd, Long.toString(pid), command)
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      boolean ended = process.waitFor(30, TimeUnit.SECONDS);
      return ended && process.exitValue() == 0 ? output : "";
    } catch (IOException e) {
      return ""; // a JRE has no jcmd
    }
  }
}
