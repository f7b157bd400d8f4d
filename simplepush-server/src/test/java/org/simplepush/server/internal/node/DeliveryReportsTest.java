package org.simplepush.server.internal.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.core.ChannelId;
import org.simplepush.core.ClientMessage.Ack;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.server.DeliveryListener;
import org.simplepush.server.DeliveryListener.Delivered;
import org.simplepush.server.fixtures.LoggedMessages;

@Timeout(120)
class DeliveryReportsTest {
  private static final Instant NOW = Instant.parse("2026-11-28T08:00:00Z");

  private final Uaid uaid = Uaid.random();
  private final ChannelId one = ChannelId.random();
  private final ChannelId two = ChannelId.random();
  private final ChannelId three = ChannelId.random();
  private final BlockingQueue<Delivered> heard = new LinkedBlockingQueue<>();

  private static DeliveryReports reports(DeliveryListener listener) {
    return new DeliveryReports(listener, () -> NOW, "simplepush-test");
  }

  private Delivered next() throws InterruptedException {
    Delivered delivered = heard.poll(60, TimeUnit.SECONDS);
    assertThat(delivered).isNotNull();
    return delivered;
  }

  @Test
  void eachVersionThatWasClearedHasTheCodeOfItsEntry() throws Exception {
    List<Update> acknowledged =
        List.of(
            new Update(one, 7), // does not clear 8
            new Update(two, 3),
            new Update(one, 8),
            new Update(three, 1),
            new Update(one, 9));
    Ack ack = new Ack(acknowledged, List.of(102, 102, 100, 77, 101));
    List<Update> cleared = List.of(new Update(three, 1), new Update(two, 2), new Update(one, 8));

    DeliveryReports reports = reports(heard::add);
    reports.acknowledged(uaid, ack, cleared);

    assertThat(next()).isEqualTo(new Delivered(uaid, three, 1, 77, NOW));
    assertThat(next()).isEqualTo(new Delivered(uaid, one, 8, 100, NOW));
    reports.acknowledged(uaid, new Ack(List.of(new Update(two, 4))), List.of(new Update(two, 4)));
    assertThat(next()).as("nothing between").isEqualTo(new Delivered(uaid, two, 4, 100, NOW));
  }

  @Test
  void whatIsMoreThanMayWaitForASlowListenerIsNotReported() throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    DeliveryReports reports =
        reports(
            delivered -> {
              begun.countDown();
              if (awaits(release)) {
                heard.add(delivered);
              }
            });
    acknowledge(reports, 0);
    assertThat(begun.await(60, TimeUnit.SECONDS)).isTrue();
    try (LoggedMessages log = LoggedMessages.of(DeliveryReports.class)) {
      for (int version = 1; version <= DeliveryReports.MAX_WAITING; version++) {
        acknowledge(reports, version);
      }
      assertThat(log.warnings()).isEmpty();
      acknowledge(reports, DeliveryReports.MAX_WAITING + 1);
      acknowledge(reports, DeliveryReports.MAX_WAITING + 2);
      assertThat(log.warnings()).as("once a minute").hasSize(1);
    }

    release.countDown();
    for (int version = 0; version <= DeliveryReports.MAX_WAITING; version++) {
      assertThat(next().version()).isEqualTo(version);
    }
    acknowledge(reports, 20_000);
    assertThat(next().version()).as("the next that is reported").isEqualTo(20_000);
  }

  private void acknowledge(DeliveryReports reports, long version) {
    List<Update> updates = List.of(new Update(one, version));
    reports.acknowledged(uaid, new Ack(updates), updates);
  }

  private static boolean awaits(CountDownLatch latch) {
    try {
      return latch.await(60, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
