package org.simplepush.server.redis;

import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What one server of Redis has confirmed lately, in the order of its answers, so that it can be
 * applied again if that server turns out to have lost it. An entry has a <em>position</em>; these
 * count up. The oldest entries are forgotten in chunks, on request or when there are too many.
 *
 * <p>An advance takes 40 bytes and no object. Used by one thread at a time.
 */
final class ReplayLog {
  /** Reads entries. */
  interface Reader {
    /** A channel was raised to a version. */
    void advanced(UUID uaid, UUID channel, long version);

    /** Anything else was done to a user agent. */
    void changed(UUID uaid, Change change);
  }

  static final int CHUNK = 1_024;
  private static final int LONGS = 5;

  /** Stands for the version of an entry that is no advance. */
  private static final long OTHER = -1;

  private static final class Chunk {
    final long first;
    final long[] numbers = new long[CHUNK * LONGS];
    Change @Nullable [] changes;

    Chunk(long first) {
      this.first = first;
    }
  }

  private final int maxChunks;
  private final ArrayDeque<Chunk> chunks = new ArrayDeque<>();
  private long next;

  /**
   * An empty log.
   *
   * @param maxEntries how many entries it holds at most; rounded up to whole chunks
   */
  ReplayLog(int maxEntries) {
    maxChunks = (maxEntries + CHUNK - 1) / CHUNK;
  }

  /** The position of the next entry. */
  long end() {
    return next;
  }

  /** The position of the oldest entry that is held; {@link #end()} if there is none. */
  long start() {
    Chunk oldest = chunks.peekFirst();
    return oldest == null ? next : oldest.first;
  }

  void advanced(UUID uaid, UUID channel, long version) {
    append(uaid, channel.getMostSignificantBits(), channel.getLeastSignificantBits(), version);
  }

  void changed(UUID uaid, Change change) {
    Chunk chunk = append(uaid, 0, 0, OTHER);
    Change[] changes = chunk.changes;
    if (changes == null) {
      changes = new Change[CHUNK];
      chunk.changes = changes;
    }
    changes[(int) (next - 1 - chunk.first)] = change;
  }

  private Chunk append(UUID uaid, long channelHigh, long channelLow, long version) {
    Chunk chunk = chunks.peekLast();
    if (chunk == null || next - chunk.first == CHUNK) {
      if (chunks.size() == maxChunks) {
        chunks.removeFirst();
      }
      chunk = new Chunk(next);
      chunks.addLast(chunk);
    }
    int at = (int) (next - chunk.first) * LONGS;
    chunk.numbers[at] = uaid.getMostSignificantBits();
    chunk.numbers[at + 1] = uaid.getLeastSignificantBits();
    chunk.numbers[at + 2] = channelHigh;
    chunk.numbers[at + 3] = channelLow;
    chunk.numbers[at + 4] = version;
    next++;
    return chunk;
  }

  /** Forgets the chunks that hold only entries before a position. */
  void forgetBefore(long position) {
    while (!chunks.isEmpty() && chunks.getFirst().first + CHUNK <= position) {
      chunks.removeFirst();
    }
  }

  /** Reads the entries that are held from one position to before another. */
  void read(long from, long to, Reader reader) {
    Iterator<Chunk> each = chunks.iterator();
    while (each.hasNext()) {
      Chunk chunk = each.next();
      int begin = (int) Math.max(0, Math.min(CHUNK, from - chunk.first));
      int end = (int) Math.max(0, Math.min(CHUNK, Math.min(to, next) - chunk.first));
      for (int i = begin; i < end; i++) {
        read(chunk, i, reader);
      }
    }
  }

  private static void read(Chunk chunk, int entry, Reader reader) {
    int at = entry * LONGS;
    long[] numbers = chunk.numbers;
    UUID uaid = new UUID(numbers[at], numbers[at + 1]);
    if (numbers[at + 4] != OTHER) {
      reader.advanced(uaid, new UUID(numbers[at + 2], numbers[at + 3]), numbers[at + 4]);
    } else if (chunk.changes != null) {
      reader.changed(uaid, chunk.changes[entry]);
    }
  }
}
