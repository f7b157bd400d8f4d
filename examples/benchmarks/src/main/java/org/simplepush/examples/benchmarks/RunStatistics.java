package org.simplepush.examples.benchmarks;

import org.HdrHistogram.Histogram;

/** What happened in one run of {@link Survival}. Confined to its loop, but for the failures. */
final class RunStatistics {
  /** What must never happen. */
  final Failures failures;

  /** PUTs answered with 200. */
  int accepted;

  /** PUTs answered with 429 or 5xx: not accepted, to be repeated later. */
  int refused;

  /** PUTs whose connection ended, or that had no answer in time: accepted or not. */
  int unanswered;

  /** PUTs answered with another status: the server claims that a registered channel is none. */
  int denied;

  /** Hellos answered with the UAID that the device had. */
  int reconnects;

  /** Of these while an older connection of the device was open. */
  int takeovers;

  /** Connections that the server closed, or answered with 5xx: the device connects again later. */
  int sentAway;

  /** Hellos answered with another UAID: the server says that it lost its state. */
  int freshUaids;

  /** Of these, the excused ones: the store had lost what no node could apply again. */
  int excusedResets;

  /** Of {@link #denied}, for the same reason. */
  int excusedDenials;

  /** Newest connections of devices that the server closed as if there were newer ones. */
  int wronglyTakenOver;

  /** Updates older than one of that channel before on the same connection. */
  int backwards;

  /** Updates that raised what a device holds. */
  int updates;

  /** Updates that did not raise it. */
  int repeated;

  /** How long devices lacked a confirmed version. */
  final Deafness deafness = new Deafness();

  /** From an answer of 200 to the device holding that version or a newer one, in nanoseconds. */
  final Histogram delay = histogram();

  /** Of that, only the time in which the device was connected and listening. */
  final Histogram reachableDelay = histogram();

  RunStatistics(Failures failures) {
    this.failures = failures;
  }

  private static Histogram histogram() {
    Histogram histogram = new Histogram(3);
    histogram.setAutoResize(true);
    return histogram;
  }

  /** Returns how many user agents started over although no step was lost for good. */
  int needlessResets() {
    return freshUaids - excusedResets;
  }

  Report addTo(Report report) {
    return report
        .add("puts", "PUTs answered with 200", accepted, "", 0)
        .add("putsRefused", "PUTs refused, to come later", refused, "", 0)
        .add("putsUnanswered", "PUTs without an answer", unanswered, "", 0)
        .add("putsDenied", "PUTs denied for good (must be 0)", denied - excusedDenials, "", 0)
        .add("reconnects", "reconnects", reconnects, "", 0)
        .add("takeovers", "of these with an older connection open", takeovers, "", 0)
        .add("sentAway", "connections closed by the server, to come later", sentAway, "", 0)
        .add("needlessResets", "needless resets: fresh UAIDs (must be 0)", needlessResets(), "", 0)
        .add("wronglyTakenOver", "newest connections closed as taken over", wronglyTakenOver, "", 0)
        .add("longestDeafness", "longest deafness", deafness.longestSeconds(), "s", 2)
        .add("backwards", "versions that went backwards", backwards, "", 0)
        .add("updates", "updates", updates, "", 0)
        .add("repeated", "updates repeated", repeated, "", 0)
        .addLatency("delay", "200 to device", delay)
        .addLatency("reachableDelay", "200 to device, while connected", reachableDelay);
  }
}
