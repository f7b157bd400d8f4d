package org.simplepush.appserver.internal.send;

import static org.assertj.core.api.Assertions.assertThat;

import okhttp3.HttpUrl;
import org.junit.jupiter.api.Test;

class LaneTest {
  private static final Answer BROKEN = new Answer.Broken(Outcome.Cause.NETWORK, "No answer.");

  private final Lane lane = lane(64);

  private static Lane lane(int max) {
    return new Lane(new Lane.Host("push.example", 443), max);
  }

  private void succeed(int times) {
    for (int n = 0; n < times; n++) {
      lane.succeeded(true);
    }
  }

  @Test
  void limitGrowsByOneAWindow() {
    assertThat(lane.limit()).isEqualTo(8);
    succeed(8);
    assertThat(lane.limit()).isEqualTo(8);
    succeed(1);
    assertThat(lane.limit()).isEqualTo(9);
    succeed(8);
    assertThat(lane.limit()).isEqualTo(9);
    succeed(1);
    assertThat(lane.limit()).isEqualTo(10);
  }

  @Test
  void limitGrowsOnlyWhileItHoldsRequestsBack() {
    for (int n = 0; n < 100; n++) {
      lane.succeeded(false);
    }
    assertThat(lane.limit()).isEqualTo(8);
  }

  @Test
  void limitHasItsMaximumFromTheBeginning() {
    Lane small = lane(3);
    assertThat(small.limit()).isEqualTo(3);
    for (int n = 0; n < 100; n++) {
      small.succeeded(true);
    }
    assertThat(small.limit()).isEqualTo(3);
  }

  @Test
  void failureHalvesTheLimitAndThenAsksForPauses() {
    assertThat(lane.failed(BROKEN, 1, 1, 0)).isZero();
    assertThat(lane.limit()).isEqualTo(4);
    assertThat(lane.failed(BROKEN, 2, 2, 0)).isZero();
    assertThat(lane.limit()).isEqualTo(2);
    assertThat(lane.failed(BROKEN, 3, 3, 0)).isZero();
    assertThat(lane.limit()).isEqualTo(1);
    assertThat(lane.wasPaused()).isFalse();
    assertThat(lane.failed(BROKEN, 4, 4, 0)).isEqualTo(1);
    assertThat(lane.wasPaused()).isTrue();
    assertThat(lane.failed(BROKEN, 5, 5, 0)).isEqualTo(2);
    assertThat(lane.limit()).isEqualTo(1);
    succeed(1);
    assertThat(lane.wasPaused()).isFalse();
    assertThat(lane.limit()).isEqualTo(2); // the window was one request
    assertThat(lane.failed(BROKEN, 6, 6, 0)).isZero();
    assertThat(lane.failed(BROKEN, 7, 7, 0)).isEqualTo(1); // pauses are counted anew
  }

  @Test
  void oddLimitIsHalvedToo() {
    Lane three = lane(3);
    assertThat(three.failed(BROKEN, 1, 1, 0)).isZero();
    assertThat(three.limit()).isEqualTo(1);
    assertThat(three.failed(BROKEN, 2, 2, 0)).isEqualTo(1);
    assertThat(three.limit()).isEqualTo(1);
  }

  @Test
  void requestsThatWereOnTheWireTogetherCountOnce() {
    lane.failed(BROKEN, 1, 8, 0); // the first of eight
    for (int attempt = 2; attempt <= 8; attempt++) {
      assertThat(lane.failed(BROKEN, attempt, 8, 0)).isZero();
    }
    assertThat(lane.limit()).isEqualTo(4);
    lane.failed(BROKEN, 9, 9, 0);
    assertThat(lane.limit()).isEqualTo(2);
  }

  @Test
  void remembersItsLastFailureAndSinceWhenItFails() {
    assertThat(lane.proven).isFalse();
    succeed(1);
    assertThat(lane.proven).isTrue();
    lane.failed(BROKEN, 1, 1, 10);
    assertThat(lane.proven).isFalse();
    Answer busy = new Answer.Status(429, null, false);
    lane.failed(busy, 2, 2, 20);
    assertThat(lane.lastFailure).isEqualTo(busy);
    assertThat(lane.failingSince).isEqualTo(10);
    succeed(1);
    assertThat(lane.lastFailure).isNull();
    lane.failed(BROKEN, 3, 3, 30);
    assertThat(lane.failingSince).isEqualTo(30);
  }

  @Test
  void sendsWhatIsReadyWithinItsLimitUnlessItIsPaused() {
    assertThat(lane.canSend()).isFalse();
    Mailbox mailbox =
        new Mailbox(HttpUrl.get("https://push.example/update/1"), lane, new Mailbox.Job(1));
    lane.ready.add(mailbox);
    assertThat(lane.canSend()).isTrue();
    lane.onWire = 7;
    assertThat(lane.canSend()).isTrue();
    lane.onWire = 8;
    assertThat(lane.canSend()).isFalse();
    lane.onWire = 0;
    lane.paused = true;
    assertThat(lane.canSend()).isFalse();
    assertThat(lane.takeReady()).isSameAs(mailbox);
    assertThat(lane.ready).isEmpty();
  }
}
