package org.simplepush.examples.benchmarks;

import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Whether all nodes have applied again what a failover lost. Redis shows it: a node counts up a
 * number, its tick, on each master twice a second, but none on a master that it has yet to go to,
 * and none while it applies something again. So each has done its part when it ticks on every
 * master, and what it has to do when the others have done theirs when it ticks twice after that.
 * Used by one thread.
 */
final class Restoration {
  private final RedisGroup group;
  private final int nodes;
  private Map<String, Long> before = new HashMap<>();
  private boolean allTick;

  /** Begins to look. */
  Restoration(RedisGroup group, int nodes) {
    this.group = group;
    this.nodes = nodes;
  }

  /** Looks again; once it is over this stays so. */
  boolean isOver() {
    List<RedisServer> masters = group.masters();
    try {
      Map<String, Long> ticks = new HashMap<>();
      boolean over = !masters.isEmpty();
      for (RedisServer master : masters) {
        over &= ticking(master, ticks) >= nodes;
      }
      if (over && !allTick) {
        allTick = true;
        before = ticks;
        return false;
      }
      return over;
    } catch (IOException e) {
      return false; // it has failed again
    }
  }

  /** Reads the ticks on a master; returns how many nodes have gone on to tick there. */
  private int ticking(RedisServer master, Map<String, Long> ticks) throws IOException {
    int grown = 0;
    for (String key : RedisCommand.list(master.process.port, "KEYS", "simplepush:ticks*")) {
      List<String> found = RedisCommand.list(master.process.port, "HGETALL", key);
      for (int i = 0; i + 1 < found.size(); i += 2) {
        if (found.get(i + 1).matches("[0-9]+") && !found.get(i).equals("generation")) {
          String node = master + " " + key + " " + found.get(i);
          long tick = Long.parseLong(found.get(i + 1));
          ticks.put(node, tick);
          Long first = before.putIfAbsent(node, tick);
          if (first != null && tick >= first + (allTick ? 2 : 1)) {
            grown++;
          }
        }
      }
    }
    return grown;
  }
}
