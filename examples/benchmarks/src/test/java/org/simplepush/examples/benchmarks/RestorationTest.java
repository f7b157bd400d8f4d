package org.simplepush.examples.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The ticks that nodes would write, on a real Redis. */
@Timeout(180)
class RestorationTest {
  @TempDir Path folder;

  private static void tick(RedisGroup group, String node, int number) throws IOException {
    group.masters().get(0).ask("HSET", "simplepush:ticks", node, "" + number);
  }

  @Test
  void isOverWhenEachNodeTicksTwiceAfterAllHaveTicked() throws Exception {
    try (RedisGroup group = SentinelGroup.start(null, folder, 0, new Random(5))) {
      tick(group, "killed", 9);
      tick(group, "a", 4);
      tick(group, "b", 7);
      group.masters().get(0).ask("HSET", "simplepush:ticks", "left", "left", "generation", "1");
      Restoration restoration = new Restoration(group, 2);
      assertThat(restoration.isOver()).isFalse();
      tick(group, "a", 8);
      assertThat(restoration.isOver()).as("b has yet to come").isFalse();
      tick(group, "b", 8);
      assertThat(restoration.isOver()).as("a may have yet to see b").isFalse();
      tick(group, "a", 10);
      tick(group, "b", 9);
      assertThat(restoration.isOver()).as("b may still restore something").isFalse();
      tick(group, "b", 10);
      assertThat(restoration.isOver()).isTrue();
    }
  }
}
