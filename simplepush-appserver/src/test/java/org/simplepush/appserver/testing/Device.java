package org.simplepush.appserver.testing;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** As much of a device as it takes to have endpoints and to see what arrives at them. */
public final class Device implements AutoCloseable, WebSocket.Listener {
  private static final Pattern ENDPOINT = Pattern.compile("\"pushEndpoint\":\"([^\"]+)\"");

  private final BlockingQueue<String> messages = new LinkedBlockingQueue<>();
  private final StringBuilder partial = new StringBuilder();
  private final WebSocket socket;

  public Device(URI server) throws Exception {
    socket =
        HttpClient.newHttpClient()
            .newWebSocketBuilder()
            .subprotocols("push-notification")
            .buildAsync(server, this)
            .get(20, TimeUnit.SECONDS);
    send("{\"messageType\":\"hello\",\"uaid\":\"\",\"channelIDs\":[]}");
    next("hello");
  }

  @Override
  public @Nullable CompletionStage<?> onText(WebSocket from, CharSequence data, boolean last) {
    partial.append(data);
    if (last) {
      messages.add(partial.toString());
      partial.setLength(0);
    }
    from.request(1);
    return null;
  }

  private void send(String message) {
    socket.sendText(message, true).join();
  }

  /** Returns the next message, which must be of {@code type}. */
  private String next(String type) throws InterruptedException {
    String message = messages.poll(20, TimeUnit.SECONDS);
    if (message == null || !message.contains("\"messageType\":\"" + type + "\"")) {
      throw new AssertionError("Expected " + type + " but got " + message);
    }
    return message;
  }

  /** Begins to register; the answers come in the order asked. */
  public void askToRegister(UUID channel) {
    send("{\"messageType\":\"register\",\"channelID\":\"" + channel + "\"}");
  }

  public URI registered() throws InterruptedException {
    Matcher endpoint = ENDPOINT.matcher(next("register"));
    if (!endpoint.find()) {
      throw new AssertionError("No endpoint");
    }
    return URI.create(endpoint.group(1));
  }

  public URI register(UUID channel) throws InterruptedException {
    askToRegister(channel);
    return registered();
  }

  public void unregister(UUID channel) throws InterruptedException {
    send("{\"messageType\":\"unregister\",\"channelID\":\"" + channel + "\"}");
    next("unregister");
  }

  /** Returns the next notification, and acknowledges it. */
  public String notification() throws InterruptedException {
    String message = next("notification");
    send(message.replace("\"notification\"", "\"ack\""));
    return message;
  }

  @Override
  public void close() {
    socket.abort();
  }
}
