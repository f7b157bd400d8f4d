package org.simplepush.examples.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(10)
class ChannelTest {
  private final Meter meter = new Meter();
  private final Channel channel = newChannel();

  @Test
  void everyVersionThatCollapsedIntoAnUpdateHasItsOwnLatency() {
    long last = 0;
    for (int due = 0; due < 5; due++) {
      last = channel.publish(due * 1000L);
    }
    channel.receive(last, 10_000, meter);
    assertThat(meter.updates).isEqualTo(1);
    assertThat(meter.delivery.getTotalCount()).isEqualTo(5);
    assertThat(meter.delivery.getMinValue()).isEqualTo(6000);
    assertThat(meter.delivery.getMaxValue()).isBetween(10_000L, 10_010L);
  }

  @Test
  void aVersionStillUnderWayIsNotCountedYet() {
    long first = channel.publish(0);
    channel.publish(0);
    channel.publish(0);
    channel.receive(first, 1, meter);
    assertThat(meter.delivery.getTotalCount()).isEqualTo(1);
  }

  @Test
  void anUpdateAgainIsRepeated() {
    long version = channel.publish(0);
    channel.receive(version, 1, meter);
    channel.receive(version, 2, meter);
    assertThat(meter.updates).isEqualTo(1);
    assertThat(meter.repeated).isEqualTo(1);
  }

  @Test
  void aChannelIsBehindUntilTheAcceptedVersionCame() {
    long version = channel.publish(0);
    assertThat(channel.isBehind()).isFalse();
    channel.accept(version);
    assertThat(channel.isBehind()).isTrue();
    channel.receive(version, 1, meter);
    assertThat(channel.isBehind()).isFalse();
  }

  @Test
  void namesAreUuidsThatDifferByRunDeviceAndChannel() {
    assertThat(Channel.id(0xabcdef01, 0x1234567, 0x89))
        .isEqualTo("abcdef01-1234-4567-8000-000000000089")
        .isEqualTo(UUID.fromString(Channel.id(0xabcdef01, 0x1234567, 0x89)).toString());
  }

  private static Channel newChannel() {
    return new Channel("00000000-0000-4000-8000-000000000000");
  }
}
