package org.simplepush.examples.benchmarks;

import java.io.IOException;
import java.util.List;
import java.util.Random;

/** Several Redis that stand in for one another. Used by one thread. */
interface RedisGroup extends AutoCloseable {
  /** Where push servers find it. */
  String uri();

  /** Those that have data. */
  List<RedisServer> servers();

  /** Those of them that take writes now; may be fewer than there should be. */
  List<RedisServer> masters();

  /** Processes that only watch the others, and may fail one at a time. */
  List<RedisProcess> watchers();

  /** Has a replica take the place of its master; returns what was done. */
  String failOver(Random random) throws IOException;

  /**
   * Moves some keys from one master to another; returns what was done.
   *
   * @throws UnsupportedOperationException if there is one master only
   */
  String reshard(Random random) throws IOException, InterruptedException;

  boolean canReshard();

  /** Whether all are up, know each other, and every replica follows its master. */
  boolean isSound();

  /** Ends all processes. */
  @Override
  void close() throws IOException;
}
