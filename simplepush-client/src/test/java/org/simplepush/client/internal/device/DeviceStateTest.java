package org.simplepush.client.internal.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.client.DeviceStorage;
import org.simplepush.client.PushClient;
import org.simplepush.client.PushMessage;
import org.simplepush.client.PushRegistration;
import org.simplepush.client.internal.connection.KeepAlive;
import org.simplepush.core.ChannelId;
import org.simplepush.core.Uaid;

@Timeout(10)
class DeviceStateTest {
  private static final String SECRET = "https://push.example.org/update/secret?a=b%20c&ü=1";

  private static DeviceState full() {
    DeviceState state = new DeviceState();
    state.uaid(Uaid.parse("0123456789ABCDEF0123456789abcdef"));
    ChannelId one = ChannelId.parse("11111111-2222-3333-4444-55555555AAAA");
    state.registerAnew("lost");
    state.owe(new Owed.Queued("a", "a tag", null));
    Duration minute = Duration.ofMinutes(1);
    state.networks().put("", new KeepAlive.Learned(minute, KeepAlive.NEVER));
    state.networks().put("wlan \n", new KeepAlive.Learned(minute, minute.multipliedBy(2)));
    state.owe(new Owed.Replacement("b", URI.create(SECRET), one));
    state.install("a", new Manifest("A b", Set.of(), ""));
    state.install("b", new Manifest("", Set.of("push", "desktop-notification"), "com.example.B"));
    state.add(new Registration("with space + ü\n%", one, URI.create(SECRET), Long.MAX_VALUE));
    state.add(new Registration("b", ChannelId.random(), URI.create("https://b/"), null));
    Registration old = new Registration("b", ChannelId.random(), URI.create("https://b/1"), 4L);
    ChannelId two = ChannelId.random();
    state.add(old);
    state.add(new Registration("b", two, URI.create("https://b/2"), null).succeeding(old));
    old.successor = two;
    Owed.Renewal renewal = new Owed.Renewal(state.registration(two));
    state.owe(renewal);
    Registration poisoned = new Registration("c", ChannelId.random(), URI.create("https://c/"), 5L);
    ChannelId fresh = ChannelId.random();
    state.add(poisoned);
    state.add(new Registration("c", fresh, URI.create("https://c/2"), 1L));
    Owed.Renewal replacement = new Owed.Renewal(poisoned);
    replacement.distrusted = true;
    replacement.channelId = fresh;
    state.owe(replacement);
    state.deadlines().put(new Deadlines.Synchronise("b c"), 1L);
    state.deadlines().put(new Deadlines.Renew(two), Long.MAX_VALUE);
    state.deadlines().put(new Deadlines.Retire(old.channelId), 0L);
    return state;
  }

  @Test
  void readsWhatItWrote() throws IOException {
    String text = DeviceStateText.write(full());
    DeviceState read = DeviceStateText.parse(text);
    assertThat(DeviceStateText.write(read)).isEqualTo(text);
    assertThat(read.uaid().text()).isEqualTo("0123456789ABCDEF0123456789abcdef");
    assertThat(read.toRegisterAnew()).containsExactly("lost");
    assertThat(read.fulfilledBy(first(read).channelId).isInPlaceOf(URI.create(SECRET))).isTrue();
    assertThat(read.owed())
        .extracting(Owed::type)
        .containsExactly(
            Owed.Type.QUEUED, Owed.Type.REPLACEMENT, Owed.Type.RENEWAL, Owed.Type.RENEWAL);
    assertThat(((Owed.Queued) List.copyOf(read.owed()).get(0)).tag).isEqualTo("a tag");
    Owed.Renewal replacement = (Owed.Renewal) List.copyOf(read.owed()).get(3);
    assertThat(replacement.distrusted).isTrue();
    assertThat(read.registration(replacement.renewed).version()).isEqualTo(5);
    assertThat(read.registration(replacement.channelId).version()).isEqualTo(1);
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
    DeviceState read = DeviceStateText.parse(DeviceStateText.write(new DeviceState()));
    assertThat(read.uaid()).isNull();
    assertThat(read.registrations()).isEmpty();
  }

  @Test
  void everyCutIsNoticed() {
    String text = DeviceStateText.write(full());
    for (int length = 0; length < text.length() - 1; length++) {
      String cut = text.substring(0, length);
      assertThatThrownBy(() -> DeviceStateText.parse(cut)).isInstanceOf(IOException.class);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "uaid x",
        "uaid",
        "channel x - https://e =a",
        "channel 11111111222233334444555555555555 v https://s =a",
        "channel 11111111222233334444555555555555 1 https://[s =a",
        "channel 11111111222233334444555555555555 1 https://s",
        "whatever",
        "",
        " ",
        "renewed - 11111111222233334444555555555555 =a",
        "replaced - 11111111222233334444555555555555 =a",
        "retired x 11111111222233334444555555555555",
        "network =a 1 b",
        "push-register =%ZZ",
        "push-register x",
      })
  void whatItCannotReadIsRefusedWithoutQuotingIt(String line) {
    assertRefused("simplepush-device 1\n" + line + "\nend\n");
    assertRefused(DeviceStateText.sealed("simplepush-device 2\n" + line + "\n"));
  }

  private static void assertRefused(String text) {
    assertThatThrownBy(() -> DeviceStateText.parse(text))
        .isInstanceOf(IOException.class)
        .hasMessage("Line 2 of the stored state cannot be read")
        .hasNoCause();
  }

  /** Each kind of line with a word too few or too many. */
  @Test
  void linesWithMissingOrFurtherWordsAreRefused() throws IOException {
    List<String> lines = DeviceStateText.write(full()).lines().toList();
    for (int i = 1; i < lines.size() - 1; i++) {
      String line = lines.get(i);
      for (String changed : List.of(line.substring(0, line.lastIndexOf(' ')), line + " =a")) {
        List<String> text = new ArrayList<>(lines.subList(0, lines.size() - 1));
        text.set(i, changed);
        String sealed = DeviceStateText.sealed(String.join("\n", text) + "\n");
        assertThatThrownBy(() -> DeviceStateText.parse(sealed))
            .as(changed)
            .isInstanceOf(IOException.class)
            .hasMessageMatching("Line \\d+ of the stored state cannot be read");
      }
    }
  }

  @Test
  void everyFlippedBitIsNoticed(@TempDir Path folder) throws IOException {
    byte[] bytes = DeviceStateText.write(full()).getBytes(StandardCharsets.UTF_8);
    Path file = folder.resolve("device");
    for (int i = 0; i < bytes.length; i++) {
      for (int bit = 0; bit < 8; bit++) {
        bytes[i] ^= (byte) (1 << bit);
        CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder(); // as the file's reader does
        assertThatThrownBy(
                () -> DeviceStateText.parse(decoder.decode(ByteBuffer.wrap(bytes)).toString()))
            .isInstanceOf(IOException.class);
        bytes[i] ^= (byte) (1 << bit);
      }
    }
    bytes[bytes.length / 2] ^= 1;
    Files.write(file, bytes);
    PushClient client =
        PushClient.builder(URI.create("ws://127.0.0.1:1/"))
            .storage(DeviceStorage.file(file))
            .build();
    assertThatThrownBy(client::start)
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("The device's state cannot be read from " + file)
        .hasMessageContaining("The stored state is damaged: its checksum is wrong.");
    client.close();
    assertThat(Files.readAllBytes(file)).isEqualTo(bytes);
  }

  @Test
  void channelsThatCountAsOneHaveTheHigherOfTheirVersions() throws IOException {
    ChannelId old = ChannelId.random();
    ChannelId successor = ChannelId.random();
    String text =
        String.join(
            "\n",
            "simplepush-device 1",
            "channel " + old.text() + " 4 https://e/1 =a",
            "channel " + successor.text() + " 9 https://e/2 =a",
            "retired " + old.text() + " " + successor.text(),
            "end");
    DeviceState read = DeviceStateText.parse(text + "\n");
    assertThat(read.registration(old).version()).isEqualTo(9);
    assertThat(read.registration(successor).version()).isEqualTo(9);
  }

  /** What the last version without a checksum has written. */
  @Test
  void stateOfFormat1IsReadAndWrittenInFormat2() throws IOException {
    String written;
    try (InputStream sample = DeviceStateTest.class.getResourceAsStream("device-state-1.txt")) {
      written = new String(sample.readAllBytes(), StandardCharsets.UTF_8);
    }
    DeviceState read = DeviceStateText.parse(written);
    String text = DeviceStateText.write(read);
    assertThat(text.lines().toList())
        .startsWith("simplepush-device 2")
        .containsAll(written.lines().skip(1).filter(line -> !line.equals("end")).toList());
    assertThat(DeviceStateText.write(DeviceStateText.parse(text))).isEqualTo(text);
    assertThat(text.lines().count()).isEqualTo(written.lines().count());
    ChannelId seven = ChannelId.parse("77777777-0000-4000-8000-000000000001");
    assertThat(read.registration(seven).version()).isEqualTo(7);
    assertThat(read.renewalOf(seven).channelId)
        .isEqualTo(ChannelId.parse("88888888-0000-4000-8000-000000000001"));
    assertThat(read.applicationsWithLosses()).containsExactly("lost", "d");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "''|The stored state is empty: it is damaged, or no device's state",
        "garbage|it is damaged, or no device's state",
        "simplepush-devices|it is damaged, or no device's state",
        "simplepush-device 3|it is of another version of SimplePush",
      })
  void garbageIsNotCalledAnotherVersions(String text, String said) {
    assertThatThrownBy(() -> DeviceStateText.parse(text))
        .isInstanceOf(IOException.class)
        .hasMessageEndingWith(said);
  }

  @Test
  void whatAnApplicationSeesDoesNotShowTheEndpoint() {
    URI secret = URI.create(SECRET);
    ChannelId channelId = ChannelId.random();
    List<Message> messages =
        List.of(
            new Message.Push(channelId, secret, 1, channelId),
            new Message.Registered(channelId, "tag", secret),
            new Message.Replaced(channelId, secret, secret));
    assertThat(messages)
        .extracting(Message::toString)
        .allSatisfy(text -> assertThat(text).doesNotContain(secret.toString(), channelId.text()));
    assertThat(new PushMessage(secret, 1).toString()).isEqualTo("PushMessage[version=1]");
    assertThat(new PushRegistration(secret, OptionalLong.of(1)).toString())
        .isEqualTo("PushRegistration[version=1]");
    assertThat(new PushRegistration(secret, OptionalLong.empty()).toString())
        .isEqualTo("PushRegistration[version=none]");
  }
}
