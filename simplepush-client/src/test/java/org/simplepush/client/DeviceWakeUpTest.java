package org.simplepush.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.core.ClientMessage.MobileNetwork;

/** How a device says where it can be woken. */
@Timeout(10)
class DeviceWakeUpTest {
  @Test
  void settingsThatCannotBeRightAreRefused() {
    DeviceWakeUp wildcard = DeviceWakeUp.listenAt(new InetSocketAddress(0));
    PushClient.Builder builder = PushClient.builder(URI.create("wss://push.example.org/"));
    assertThatThrownBy(() -> builder.wakeUp(wildcard))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("advertise");
    builder.wakeUp(wildcard.advertise("10.1.2.3"));
    assertThatThrownBy(() -> wildcard.mobileNetwork("21", "07")).hasMessageContaining("214");
    assertThatThrownBy(() -> wildcard.maxSleep(Duration.ZERO)).hasMessageContaining("maxSleep");
    InetSocketAddress unresolved = InetSocketAddress.createUnresolved("device", 5000);
    assertThatThrownBy(() -> DeviceWakeUp.listenAt(unresolved)).hasMessageContaining("device");
    assertThat(DeviceWakeUp.listenAt(new InetSocketAddress("10.1.2.3", 0)).settings().ip().get())
        .isEqualTo("10.1.2.3");
  }

  @Test
  void settingsAreKeptWhenAnotherIsMade() throws Exception {
    InetSocketAddress local = new InetSocketAddress("10.1.2.3", 5000);
    DeviceWakeUp bare = DeviceWakeUp.listenAt(local);
    assertThat(bare.settings().mobileNetwork()).isNull();
    assertThat(bare.settings().maxSleep()).isEqualTo(Duration.ofMinutes(30));
    assertThat(bare.settings().ip().get()).isEqualTo("10.1.2.3");
    DeviceWakeUp full =
        bare.mobileNetwork("214", "07").maxSleep(Duration.ofMillis(1)).advertise("192.0.2.7");
    assertThat(full.settings().local()).isEqualTo(local);
    assertThat(full.settings().ip().get()).isEqualTo("192.0.2.7");
    assertThat(full.settings().mobileNetwork()).isEqualTo(new MobileNetwork("214", "07"));
    assertThat(full.settings().maxSleep()).isEqualTo(Duration.ofMillis(1));
    assertThat(full.mobileNetwork("310", "410").maxSleep(Duration.ofDays(1)).settings().ip().get())
        .isEqualTo("192.0.2.7");
    DeviceWakeUp wildcard = DeviceWakeUp.listenAt(new InetSocketAddress(5000));
    assertThatThrownBy(wildcard::settings).isInstanceOf(IllegalArgumentException.class);
    assertThat(wildcard.advertise(() -> null).settings().ip().get()).isNull();
    byte[] linkLocal = new byte[16];
    linkLocal[0] = (byte) 0xfe;
    linkLocal[1] = (byte) 0x80;
    linkLocal[15] = 1;
    Inet6Address zoned = Inet6Address.getByAddress("device", linkLocal, 3);
    assertThat(zoned.getHostAddress()).contains("%");
    assertThat(DeviceWakeUp.listenAt(new InetSocketAddress(zoned, 5000)).settings().ip().get())
        .as("a zone means nothing elsewhere")
        .isEqualTo("fe80:0:0:0:0:0:0:1");
  }

  @Test
  void mobileNetworkAndLongestSleepHaveTheirLimits() {
    DeviceWakeUp wakeUp = DeviceWakeUp.listenAt(new InetSocketAddress("10.1.2.3", 5000));
    assertThatThrownBy(() -> wakeUp.mobileNetwork("214", "7")).hasMessageContaining("214 and 7");
    assertThatThrownBy(() -> wakeUp.maxSleep(Duration.ofMillis(1).minusNanos(1)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> wakeUp.maxSleep(Duration.ofDays(1).plusNanos(1)))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
