// The page: the newest events, a bar until the next message, whether the page is connected, and the visitor's count.
import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { io } from "socket.io-client";

function Page() {
  const [events, setEvents] = useState([]);
  const [messages, setMessages] = useState(0);
  const [connections, setConnections] = useState(0);
  const [connected, setConnected] = useState(false);
  const [visits, setVisits] = useState();

  useEffect(() => {
    fetch("session").then((response) => response.json()).then((session) => setVisits(session.visits)).catch(() => {});
    const socket = io({ transports: ["websocket"], reconnectionDelayMax: 2000, timeout: 3000 });
    socket.on("connect", () => {
      setConnected(true);
      setConnections((count) => count + 1);
    });
    socket.on("disconnect", () => setConnected(false));
    socket.on("events", (items) => {
      setEvents(items);
      setMessages((count) => count + 1);
    });
    return () => socket.close();
  }, []);

  return (
    <>
      <h1>What people plan</h1>
      <p id="state" className={connected ? "" : "lost"} data-connections={connections} data-messages={messages}>
        {connected ? "connected" : "connecting ..."}
        {visits && <span id="visits" data-visits={visits}> · your visit number {visits}</span>}
      </p>
      <div className="bar">
        <div key={messages} />
      </div>
      <ul id="events">
        {events.map((event) => (
          <li key={event.key} data-key={event.key}>
            {event.name}
            <span>{event.id}</span>
          </li>
        ))}
      </ul>
      {!events.length && <p>Nothing is stored yet.</p>}
    </>
  );
}

createRoot(document.getElementById("page")).render(<Page />);
