package org.simplepush.examples.emulator;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.PrintStream;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.net.URI;
import org.simplepush.client.ConnectionListener.Disconnected;

/** For scripts: one JSON object a line; {@code event} names its kind. */
final class JsonOutput implements Output {
  private static final JsonFactory JSON = new JsonFactory();

  /** Writes the fields of one object. */
  interface Fields {
    void write(JsonGenerator json) throws IOException;
  }

  private final PrintStream out;

  JsonOutput(PrintStream out) {
    this.out = out;
  }

  @Override
  public void endpoint(int device, String application, URI endpoint) {
    line(
        "endpoint",
        json -> {
          json.writeNumberField("device", device);
          json.writeStringField("app", application);
          json.writeStringField("endpoint", endpoint.toString());
        });
  }

  @Override
  public void push(int device, String application, long version) {
    line(
        "push",
        json -> {
          json.writeNumberField("device", device);
          json.writeStringField("app", application);
          json.writeNumberField("version", version);
        });
  }

  @Override
  public void connected(int device) {
    line("connected", json -> json.writeNumberField("device", device));
  }

  @Override
  public void disconnected(int device, Disconnected event) {
    line(
        "disconnected",
        json -> {
          json.writeNumberField("device", device);
          json.writeNumberField("closeCode", event.closeCode());
          json.writeStringField("reason", event.reason());
          json.writeNumberField("failures", event.failures());
          json.writeNumberField("retryInMillis", event.retryIn().toMillis());
        });
  }

  /** Each {@link #disconnected} says so. */
  @Override
  public void cannotConnect(int device, String reason) {}

  @Override
  public void summary(Summary summary) {
    line("summary", summary::write);
  }

  private void line(String event, Fields fields) {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = JSON.createGenerator(text)) {
      json.writeStartObject();
      json.writeStringField("event", event);
      fields.write(json);
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("A string cannot be written to", e);
    }
    synchronized (out) {
      out.println(text);
      out.flush();
    }
  }

  @Override
  public boolean isBroken() {
    return out.checkError();
  }
}
