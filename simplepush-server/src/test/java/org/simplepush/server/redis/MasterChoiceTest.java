package org.simplepush.server.redis;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.simplepush.server.redis.MasterChoice.Master;

/** Sentinels that do not agree. */
class MasterChoiceTest {
  private static final Master FIRST = new Master(4, "a", 1);
  private static final Master SECOND = new Master(5, "b", 1);

  private final MasterChoice choice = new MasterChoice(3);

  private void answered(int sentinel, Master named, long seconds) {
    choice.answered(sentinel, named, SECONDS.toNanos(seconds));
  }

  @Test
  void oneSentinelAloneIsNotBelievedAtFirst() {
    answered(0, FIRST, 0);
    assertThat(choice.chosen()).isNull();
    answered(1, SECOND, 0);
    assertThat(choice.chosen()).isEqualTo(SECOND);
  }

  @Test
  void oldAnswersAreNoMajority() {
    answered(0, FIRST, 0);
    answered(1, SECOND, 11);
    assertThat(choice.chosen()).isNull();
  }

  @Test
  void newerMasterIsFollowedAtOnce() {
    answered(0, FIRST, 0);
    answered(1, FIRST, 0);
    answered(2, SECOND, 1);
    assertThat(choice.chosen()).isEqualTo(SECOND);
  }

  @Test
  void sentinelsThatAreBehindAreNotFollowedWhileAnyConfirmsTheNewerMaster() {
    answered(0, SECOND, 0);
    for (int second = 0; second < 60; second++) {
      answered(1, FIRST, second);
      answered(2, FIRST, second);
      assertThat(choice.chosen()).isEqualTo(SECOND);
      answered(0, SECOND, second);
    }
  }

  @Test
  void minorityThatIsBehindIsNeverFollowed() {
    answered(0, SECOND, 0);
    answered(1, SECOND, 0);
    answered(2, FIRST, 60);
    assertThat(choice.chosen()).isEqualTo(SECOND);
  }

  @Test
  void mostSentinelsAreFollowedBackIfNobodyConfirmsTheNewerMasterForLong() {
    answered(0, SECOND, 0);
    answered(1, SECOND, 0);
    answered(1, FIRST, 9);
    answered(2, FIRST, 10);
    assertThat(choice.chosen()).isEqualTo(SECOND);
    answered(1, FIRST, 11);
    assertThat(choice.chosen()).isEqualTo(FIRST);
  }

  /** As when a name leads elsewhere: that is no failover, and has no new epoch. */
  @Test
  void addressThatMovedIsFollowed() {
    Master moved = new Master(FIRST.epoch(), "c", 1);
    answered(0, FIRST, 0);
    answered(1, FIRST, 0);
    answered(0, moved, 10);
    answered(1, moved, 11);
    assertThat(choice.chosen()).isEqualTo(moved);
  }
}
