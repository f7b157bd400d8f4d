package org.simplepush.examples.benchmarks;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** One channel of a device: what was published to it and what came. Confined to a loop. */
final class Channel {
  /** The first version; all have as many digits, so that requests differ in nothing but these. */
  static final long FIRST_VERSION = 1_000_000_000;

  /** As the device writes it, in ASCII. Ends in the channel's number in 8 hex digits. */
  final byte[] id;

  @Nullable String endpoint;

  /** The request of a PUT up to the digits of the version; made when first needed. */
  private byte @Nullable [] request;

  private long published = FIRST_VERSION - 1;
  private long accepted = -1;
  private long received = -1;

  /** When the versions up to {@link #published} that were not received yet were due. */
  private long[] due = new long[1];

  private int dueFirst;
  private int dueCount;

  Channel(String id) {
    this.id = id.getBytes(StandardCharsets.US_ASCII);
  }

  /**
   * Names a channel. Unique in the run and, by {@code run}, in the life of the server: some servers
   * know channels by this name alone.
   */
  static String id(int run, int device, int number) {
    return String.format(
        "%08x-%04x-4%03x-8000-0000%08x", run, device >>> 12, device & 0xfff, number);
  }

  /** Takes the next version, due at a time of {@link System#nanoTime}. */
  long publish(long dueNanos) {
    if (dueCount == due.length) {
      long[] grown = new long[due.length * 2];
      for (int i = 0; i < dueCount; i++) {
        grown[i] = due[(dueFirst + i) % due.length];
      }
      due = grown;
      dueFirst = 0;
    }
    due[(dueFirst + dueCount++) % due.length] = dueNanos;
    return ++published;
  }

  /** Notes that a PUT was answered with 200. */
  void accept(long version) {
    accepted = Math.max(accepted, version);
  }

  /** Notes an update, and every older one that collapsed into it. */
  void receive(long version, long now, Meter meter) {
    if (version <= received) {
      meter.repeated++;
      return;
    }
    meter.updates++;
    meter.lastUpdate = now;
    received = version;
    while (dueCount > 0 && published - dueCount < version) {
      meter.delivery.recordValue(Math.max(0, now - due[dueFirst]));
      dueFirst = (dueFirst + 1) % due.length;
      dueCount--;
    }
  }

  /** Whether the last version answered with 200 has not come. */
  boolean isBehind() {
    return received < accepted;
  }

  /** Returns the beginning of a PUT to this channel's endpoint. */
  byte[] request(Target target) throws WireException {
    byte[] made = request;
    if (made == null) {
      String url = endpoint;
      if (url == null) {
        throw new WireException("A channel without an endpoint cannot be notified");
      }
      made = target.putRequest(url).getBytes(StandardCharsets.US_ASCII);
      request = made;
    }
    return made;
  }
}
