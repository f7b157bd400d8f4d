package org.simplepush.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.client.ApplicationManifest.Permission;
import org.simplepush.client.DeviceState.Registration;
import org.simplepush.client.DeviceState.Wish;
import org.simplepush.core.ChannelId;
import org.simplepush.core.Uaid;

@Timeout(10)
class DeviceStateTest {
  private static final String SECRET = "https://push.example.org/update/secret?a=b%20c&ü=1";

  private static DeviceState full() {
    DeviceState state = new DeviceState();
    state.uaid(Uaid.parse("0123456789ABCDEF0123456789abcdef"));
    ChannelId one = ChannelId.parse("11111111-2222-3333-4444-55555555AAAA");
    state.toRegisterAnew().add("lost");
    state.wishes().add(Wish.tagged("a", "a tag"));
    Duration minute = Duration.ofMinutes(1);
    state.networks().put("", new KeepAlive.Learned(minute, KeepAlive.NEVER));
    state.networks().put("wlan \n", new KeepAlive.Learned(minute, minute.multipliedBy(2)));
    Wish fulfilled = Wish.replacing("b", URI.create(SECRET));
    fulfilled.channelId = one;
    state.wishes().add(fulfilled);
    state.manifests().put("a", new ApplicationManifest("A b", Set.of(), ""));
    state
        .manifests()
        .put("b", new ApplicationManifest("", Set.of(Permission.values()), "com.example.B"));
    state.add(new Registration("with space + ü\n%", one, URI.create(SECRET), Long.MAX_VALUE));
    state.add(new Registration("b", ChannelId.random(), URI.create("https://b/"), null));
    Registration old = new Registration("b", ChannelId.random(), URI.create("https://b/1"), 4L);
    ChannelId two = ChannelId.random();
    state.add(old);
    state.add(new Registration("b", two, URI.create("https://b/2"), null).succeeding(old));
    old.successor = two;
    Wish renewal = Wish.renewing(state.registration(two));
    state.wishes().add(renewal);
    state.deadlines().put(new Deadlines.Synchronise("b c"), 1L);
    state.deadlines().put(new Deadlines.Renew(two), Long.MAX_VALUE);
    state.deadlines().put(new Deadlines.Retire(old.channelId), 0L);
    return state;
  }

  @Test
  void readsWhatItWrote() throws IOException {
    String text = full().toText();
    DeviceState read = DeviceState.parse(text);
    assertThat(read.toText()).isEqualTo(text);
    assertThat(read.uaid().text()).isEqualTo("0123456789ABCDEF0123456789abcdef");
    assertThat(read.toRegisterAnew()).containsExactly("lost");
    assertThat(read.wishFulfilledBy(first(read).channelId).lost).isEqualTo(URI.create(SECRET));
    assertThat(read.wishes()).extracting("tag").containsExactly("a tag", null, null);
    assertThat(read.deadlines()).hasSize(3).containsValues(0L, 1L, Long.MAX_VALUE);
    assertThat(read.networks()).isEqualTo(full().networks());
    assertThat(read.manifests()).isEqualTo(full().manifests());
    Registration first = first(read);
    assertThat(first.application).isEqualTo("with space + ü\n%");
    assertThat(first.endpoint).isEqualTo(URI.create(SECRET));
    assertThat(first.channelId.text()).isEqualTo("11111111-2222-3333-4444-55555555AAAA");
    assertThat(first.version()).isEqualTo(Long.MAX_VALUE);
  }

  private static Registration first(DeviceState state) {
    return state.registrations().iterator().next();
  }

  @Test
  void anEmptyStateIsAState() throws IOException {
    DeviceState read = DeviceState.parse(new DeviceState().toText());
    assertThat(read.uaid()).isNull();
    assertThat(read.registrations()).isEmpty();
  }

  @Test
  void everyCutIsNoticed() {
    String text = full().toText();
    for (int length = 0; length < text.length() - 1; length++) {
      String cut = text.substring(0, length);
      assertThatThrownBy(() -> DeviceState.parse(cut)).isInstanceOf(IOException.class);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "simplepush-device 2\nend\n",
        "simplepush-device 1\nuaid x\nend\n",
        "simplepush-device 1\nchannel x - https://e =a\nend\n",
        "simplepush-device 1\nchannel 11111111222233334444555555555555 v https://s =a\nend\n",
        "simplepush-device 1\nchannel 11111111222233334444555555555555 1 https://[s =a\nend\n",
        "simplepush-device 1\nchannel 11111111222233334444555555555555 1 https://s\nend\n",
        "simplepush-device 1\nwhatever\nend\n",
        "simplepush-device 1\nrenewed - 11111111222233334444555555555555 =a\nend\n",
        "simplepush-device 1\nretire x 11111111222233334444555555555555\nend\n",
        "simplepush-device 1\npush-register =%ZZ\nend\n",
        "simplepush-device 1\npush-register x\nend\n",
      })
  void whatItCannotReadIsRefusedWithoutQuotingIt(String text) {
    assertThatThrownBy(() -> DeviceState.parse(text))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("stored state")
        .hasMessageNotContaining("https")
        .hasNoCause()
        .satisfies(e -> assertThat(e.getMessage()).isNotEmpty());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "''|The stored state is empty: it is damaged, or no device's state",
        "garbage|it is damaged, or no device's state",
        "simplepush-devices|it is damaged, or no device's state",
        "simplepush-device 2|it is of another version of SimplePush",
      })
  void garbageIsNotCalledAnotherVersions(String text, String said) {
    assertThatThrownBy(() -> DeviceState.parse(text))
        .isInstanceOf(IOException.class)
        .hasMessageEndingWith(said);
  }

  @Test
  void whatAnApplicationSeesDoesNotShowTheEndpoint() {
    URI secret = URI.create(SECRET);
    assertThat(new PushMessage(secret, 1).toString()).isEqualTo("PushMessage[version=1]");
    assertThat(new PushRegistration(secret, OptionalLong.of(1)).toString())
        .isEqualTo("PushRegistration[version=1]");
    assertThat(new PushRegistration(secret, OptionalLong.empty()).toString())
        .isEqualTo("PushRegistration[version=none]");
  }
}
