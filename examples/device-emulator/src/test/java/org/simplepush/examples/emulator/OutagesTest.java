package org.simplepush.examples.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class OutagesTest {
  private final Outages outages = new Outages(4);

  private static long seconds(double seconds) {
    return (long) (seconds * TimeUnit.SECONDS.toNanos(1));
  }

  @Test
  void outageTellsWhoCameBackWhen() {
    outages.lost(seconds(10));
    outages.lost(seconds(10.5));
    outages.lost(seconds(11));
    outages.back(seconds(13));
    outages.back(seconds(15.5));
    assertThat(outages.over()).isEmpty();
    outages.back(seconds(16));
    assertThat(outages.over())
        .singleElement()
        .satisfies(
            outage -> {
              assertThat(outage.devices()).isEqualTo(3);
              assertThat(outage.firstBackMillis()).isEqualTo(3000);
              assertThat(outage.allBackMillis()).isEqualTo(6000);
              assertThat(outage.backMillis()).containsExactly(0L, 2500L, 3000L);
              assertThat(outage.busiestSecond()).isEqualTo(2);
            });
  }

  @Test
  void fewerThanHalfAreNoOutage() {
    outages.lost(0);
    outages.back(1);
    assertThat(outages.over()).isEmpty();
  }

  @Test
  void deviceThatIsSwitchedOffIsNotWaitedFor() {
    outages.lost(0);
    outages.lost(0);
    outages.switchedOff(5);
    outages.back(10);
    assertThat(outages.over()).singleElement().extracting(Outages.Outage::devices).isEqualTo(2);
  }
}
