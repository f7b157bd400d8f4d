package org.simplepush.client.internal.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.simplepush.client.testing.DeviceHarness.endpoint;

import java.net.URI;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.client.testing.DeviceHarness;
import org.simplepush.client.testing.FakeServer.FakeConnection;
import org.simplepush.core.ChannelId;
import org.simplepush.core.ClientMessage;
import org.simplepush.core.ClientMessage.Hello;
import org.simplepush.core.ClientMessage.Register;

/** Whatever a server says, and whenever: nothing is thrown on the loop, and the device goes on. */
@Timeout(60)
class HostileServerTest {
  private static final ChannelId UNKNOWN = ChannelId.random();

  /** Messages as they should be; a field of one of them becomes something else. */
  private static final List<Map<String, String>> MESSAGES =
      List.of(
          fields(
              "messageType",
              "'hello'",
              "uaid",
              "'" + DeviceHarness.UAID.text() + "'",
              "status",
              "200"),
          fields("messageType", "'hello'", "status", "307", "redirect", "'wss://two.example.org/'"),
          fields("messageType", "'hello'", "status", "503", "error", "'no'"),
          fields(
              "messageType",
              "'register'",
              "status",
              "200",
              "channelID",
              "'$PENDING'",
              "pushEndpoint",
              "'https://push.example.org/update/x'"),
          fields(
              "messageType",
              "'register'",
              "status",
              "500",
              "channelID",
              "'$PENDING'",
              "error",
              "'no'"),
          fields("messageType", "'unregister'", "status", "200", "channelID", "'$KNOWN'"),
          fields(
              "messageType", "'notification'", "updates", "[{'channelID':'$KNOWN','version':7}]"),
          fields("messageType", "'ping'"),
          fields("messageType", "'ack'", "updates", "[]"),
          fields("status", "307"));

  private static final List<String> FIELDS =
      List.of(
          "messageType",
          "uaid",
          "channelID",
          "channelIDs",
          "updates",
          "status",
          "pushEndpoint",
          "redirect",
          "error",
          "wakeup_hostport",
          "mobilenetwork",
          "anything");

  /** The first means that the field is left out. */
  private static final List<String> VALUES =
      List.of(
          "",
          "null",
          "true",
          "0",
          "-1",
          "99",
          "201",
          "307",
          "409",
          "429",
          "2147483648",
          "1e400",
          "12345678901234567890123456789012345678901234567890",
          "''",
          "'hello'",
          "'\\ud800'",
          "'\\u0000\\u001b[2J\\r\\nforged'",
          "'urn:x'",
          "'http:'",
          "'wss://two.example.org:99999/'",
          "'wss://unusable.example.org/'",
          "'https://push.example.org/\\udc00'",
          "'" + "x".repeat(5000) + "'",
          "'" + UNKNOWN.text() + "'",
          "'$KNOWN'",
          "[]",
          "[null]",
          "[{}]",
          "[{'channelID':null,'version':-1}]",
          "[{'channelID':'" + UNKNOWN.text() + "','version':9223372036854775807}]",
          "[{'channelID':'$KNOWN','version':'9223372036854775808'}]",
          "{}",
          "{'ip':7,'port':'x','mcc':[],'mnc':{}}");

  private static Map<String, String> fields(String... namesAndValues) {
    Map<String, String> fields = new LinkedHashMap<>();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      fields.put(namesAndValues[i], namesAndValues[i + 1]);
    }
    return fields;
  }

  static Stream<String> oddMessages() {
    return MESSAGES.stream()
        .flatMap(
            message ->
                FIELDS.stream()
                    .flatMap(field -> VALUES.stream().map(value -> with(message, field, value))))
        .distinct();
  }

  private static String with(Map<String, String> message, String field, String value) {
    Map<String, String> changed = new LinkedHashMap<>(message);
    changed.put(field, value);
    return changed.entrySet().stream()
        .filter(entry -> !entry.getValue().isEmpty())
        .map(entry -> "'" + entry.getKey() + "':" + entry.getValue())
        .collect(Collectors.joining(",", "{", "}"));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void anyFieldMayBeAnything(boolean open) {
    List<String> messages = oddMessages().toList();
    assertThat(messages).hasSizeGreaterThan(2_500);
    for (String message : messages) {
      try {
        assertSurvives(message, open);
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError(message, e);
      }
    }
  }

  static Stream<String> moreMessages() {
    return Stream.of(
        "{'status':307}",
        "{'status':307,'redirect':'wss://two.example.org/'}",
        "{'messageType':'hello','messageType':'hello'}",
        "{'messageType':'notification','updates':[],'updates':[]}",
        "{'messageType':'notification','updates':[[[[[[[[]]]]]]]]}",
        "{'messageType':'register','status':200,'channelID':'$PENDING','channelID':'$KNOWN'}",
        "{".repeat(40),
        "[".repeat(40_000),
        "{'a':".repeat(5) + "1" + "}".repeat(5),
        "\0",
        "{'\ud800':'\udc00'}",
        "null",
        "7");
  }

  @ParameterizedTest
  @MethodSource("moreMessages")
  void anyMessageMayCome(String message) {
    assertSurvives(message, false);
    assertSurvives(message, true);
  }

  /** Says it to a device that waits for its hello to be answered, or for a register. */
  private static void assertSurvives(String message, boolean open) {
    DeviceHarness h = new DeviceHarness();
    h.start();
    FakeConnection connection;
    ChannelId known = UNKNOWN;
    ChannelId pending = UNKNOWN;
    if (open) {
      connection = h.connected();
      h.attach("calendar", new DeviceHarness.Recorder());
      known = h.registered(connection, "calendar");
      h.register("mail");
      pending = connection.next(Register.class).channelId();
    } else {
      connection = h.server.accept();
      h.open(connection);
      connection.next(Hello.class);
    }
    h.says(connection, message.replace("$KNOWN", known.text()).replace("$PENDING", pending.text()));
    assertGoesOn(h, connection);
  }

  private static void assertGoesOn(DeviceHarness h, FakeConnection before) {
    assertThat(h.disconnects).noneMatch(event -> event.reason().startsWith("the device failed"));
    if (before.closeCode == null && !before.aborted) {
      h.ends(before, 1006);
    }
    if (!h.server.hasAttempt()) {
      h.advanceToNextAttempt();
    }
    FakeConnection connection = h.connected();
    CompletableFuture<URI> result = h.register("news");
    List<ChannelId> asked = new ArrayList<>();
    while (connection.hasSaid()) {
      ClientMessage said = connection.next();
      if (said instanceof Register register) {
        asked.add(register.channelId());
      }
    }
    asked.forEach(channelId -> h.answerRegister(connection, channelId, endpoint(channelId)));
    assertThat(result).isCompleted();
    assertThat(h.registrationsStored()).contains(asked.get(asked.size() - 1));
  }
}
