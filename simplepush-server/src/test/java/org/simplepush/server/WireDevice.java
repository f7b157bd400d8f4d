package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.simplepush.server.Json.field;
import static org.simplepush.server.Json.json;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The device's side of the protocol on a {@link RawWebSocket}, one step a call. For servers without
 * a minimum ping interval, since {@link #proveNothingCame} pings.
 */
final class WireDevice implements AutoCloseable {
  private final RawWebSocket socket;
  private String uaid = "";

  WireDevice(RawWebSocket socket) {
    this.socket = socket;
  }

  static WireDevice connect(int port) throws IOException, TimeoutException {
    return new WireDevice(RawWebSocket.connect(port));
  }

  /** Connects and says hello as a device that is new. */
  static WireDevice fresh(int port) throws IOException, TimeoutException {
    WireDevice device = connect(port);
    device.hello("");
    return device;
  }

  /** Connects and says hello as this device, which has these channels. */
  static WireDevice resumed(int port, String uaid, String... channelIds)
      throws IOException, TimeoutException {
    WireDevice device = connect(port);
    assertThat(device.hello(uaid, channelIds)).isEqualTo(uaid);
    return device;
  }

  /** Says hello and returns the UAID the server answers with. */
  String hello(String uaid, String... channelIds) throws IOException, TimeoutException {
    socket.send(helloMessage(uaid, channelIds));
    Object reply = socket.nextJson();
    assertThat(field(reply, "messageType")).isEqualTo("hello");
    assertThat(field(reply, "status")).isEqualTo(200L);
    this.uaid = Json.text(reply, "uaid");
    return this.uaid;
  }

  static String helloMessage(String uaid, String... channelIds) {
    return "{\"messageType\":\"hello\",\"uaid\":\""
        + uaid
        + "\",\"channelIDs\":["
        + Stream.of(channelIds).map(id -> '"' + id + '"').collect(Collectors.joining(","))
        + "]}";
  }

  URI register(String channelId) throws IOException, TimeoutException {
    socket.send("{\"messageType\":\"register\",\"channelID\":\"" + channelId + "\"}");
    Object reply = socket.nextJson();
    String endpoint = Json.text(reply, "pushEndpoint");
    assertThat(reply)
        .isEqualTo(
            json(
                "{'messageType':'register','status':200,'channelID':'"
                    + channelId
                    + "','pushEndpoint':'"
                    + endpoint
                    + "'}"));
    return URI.create(endpoint);
  }

  void unregister(String channelId) throws IOException, TimeoutException {
    socket.send("{\"messageType\":\"unregister\",\"channelID\":\"" + channelId + "\"}");
    assertThat(socket.nextJson())
        .isEqualTo(
            json("{'messageType':'unregister','status':200,'channelID':'" + channelId + "'}"));
  }

  /** The next message, which must be a notification: versions by channel. */
  Map<String, Long> nextUpdates() throws IOException, TimeoutException {
    return updatesOf(socket.nextJson());
  }

  Map<String, Long> nextUpdates(Duration timeout) throws IOException, TimeoutException {
    return updatesOf(Json.read(socket.nextText(timeout)));
  }

  static boolean isNotification(Object message) {
    return message instanceof Map<?, ?> map && "notification".equals(map.get("messageType"));
  }

  static Map<String, Long> updatesOf(Object message) {
    assertThat(field(message, "messageType")).as("type of %s", message).isEqualTo("notification");
    Map<String, Long> versions = new LinkedHashMap<>();
    for (Object update : (List<?>) field(message, "updates")) {
      Long earlier = versions.put(Json.text(update, "channelID"), (Long) field(update, "version"));
      assertThat(earlier).as("one update per channel in %s", message).isNull();
    }
    return versions;
  }

  /** The next message must be a notification with exactly this update. */
  void expectUpdate(String channelId, long version) throws IOException, TimeoutException {
    assertThat(nextUpdates()).isEqualTo(Map.of(channelId, version));
  }

  void acknowledge(String channelId, long version) throws IOException {
    acknowledge(Map.of(channelId, version));
  }

  void acknowledge(Map<String, Long> versions) throws IOException {
    socket.send(
        versions.entrySet().stream()
            .map(
                update ->
                    "{\"channelID\":\""
                        + update.getKey()
                        + "\",\"version\":"
                        + update.getValue()
                        + "}")
            .collect(Collectors.joining(",", "{\"messageType\":\"ack\",\"updates\":[", "]}")));
  }

  /**
   * Requests are answered in order, and after each ping the server looks into its store: if only
   * two answers come to two pings, nothing was to be sent.
   */
  void proveNothingCame() throws IOException, TimeoutException {
    socket.sendAtOnce("{}", "{}");
    assertThat(socket.nextText()).isEqualTo("{}");
    assertThat(socket.nextText()).isEqualTo("{}");
  }

  /**
   * All notifications that are on their way or due, see {@link #proveNothingCame}. Asks until
   * nothing comes: an answer overtakes what is kept back while the device does not read.
   */
  List<Map<String, Long>> drainUpdates() throws IOException, TimeoutException {
    List<Map<String, Long>> notifications = new ArrayList<>();
    int before;
    do {
      before = notifications.size();
      socket.sendAtOnce("{}", "{}");
      int pongs = 0;
      while (pongs < 2) {
        Object message = socket.nextJson();
        if (isNotification(message)) {
          notifications.add(updatesOf(message));
        } else {
          assertThat(message).isEqualTo(json("{}"));
          pongs++;
        }
      }
    } while (notifications.size() > before);
    return notifications;
  }

  String uaid() {
    return uaid;
  }

  RawWebSocket socket() {
    return socket;
  }

  /** Ends TCP without a close frame, as a device does that loses its network in good order. */
  void leave() throws IOException {
    socket.close();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
